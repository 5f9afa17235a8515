// SPDX-License-Identifier: Apache-2.0
// What differs between OCI runtimes, as a table: runc is the default row.
//   Source  measured with runc 1.1.5, crun 1.8.1, runsc 2022-12 and 2024-07
//   (docs/developer/shim.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shim/runtime_options.h"

namespace vortex::shim {

struct RuntimeDriver {
  std::string_view name;  // "runc", "crun", "runsc"
  std::string_view default_root;
  bool pivot_flags;     // knows --no-pivot and --no-new-keyring
  bool update;          // has the verb update
  bool features;        // may have the verb features
  bool chowns_stdio;    // changes the owner of descriptors it gets: must not see containerd's FIFOs
  bool trace_sessions;  // knows --pod-init-config
  bool host_init;       // the pid file names the job's own process, whose signals are the job's
  std::vector<std::string_view> default_flags;
};

// By options.driver, else by the file name of the binary; unknown names behave as runc.
const RuntimeDriver& DriverFor(const RuntimeOptions& options, std::string_view binary);

// The driver for a value of io.vortex.runtime-class ("gvisor" is runsc); null for one that no
// driver serves.
const RuntimeDriver* DriverForClass(std::string_view runtime_class);

// A failed kill or delete whose text means that the process or container is gone.
bool MeansNotFound(std::string_view runtime_text);

}  // namespace vortex::shim
