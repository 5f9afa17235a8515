// SPDX-License-Identifier: Apache-2.0
// What a path of a CDI file is on this host. Looks only: device nodes are not opened.
#pragma once

#include <string>

#include "oci/cdi_edits.h"

namespace vortex::sandbox {

// A device node: a symbolic link at the end of the path is told as one ("l").
oci::HostFile LookAtNode(const std::string& path);

// A file or directory to be mounted: links are followed, and a shared library's SONAME is read.
oci::HostFile LookAtFile(const std::string& path);

}  // namespace vortex::sandbox
