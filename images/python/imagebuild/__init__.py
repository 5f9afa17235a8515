# SPDX-License-Identifier: Apache-2.0
"""The parts of ../build: packages.py fetches, rootfs.py assembles, oci_layout.py writes."""
