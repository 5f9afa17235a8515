# SPDX-License-Identifier: Apache-2.0
"""/usr/lib/vortex/harness.py module:function. A script is compiled at every start, so this one only loads the module
beside it, which has byte code; that directory goes to the end of the path, behind the bundle and the library."""
import sys

sys.path.insert(0, __file__.rpartition("/")[0] or ".")
import vortex_harness  # noqa: E402

sys.path.append(sys.path.pop(0))
vortex_harness.main(sys.argv[1])
