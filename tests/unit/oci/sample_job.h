// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "oci/job.h"

namespace vortex::oci::testing {

// A plugin that asks for nothing, as the sandbox layer describes it: fixed values, so that the same
// spec comes out.
inline JobConfig SampleJob(RuntimeClass runtime_class = RuntimeClass::kRunc) {
  JobConfig job;
  job.run_id = "00000000-0000-4000-8000-000000000001";
  job.plugin_id = "word-count";
  job.runtime_class = runtime_class;
  job.args = {"/usr/lib/vortex/init",
              "--",
              "/usr/bin/python3",
              "-I",
              "-S",
              "-B",
              "/usr/lib/vortex/harness.py",
              "word_count:run"};
  job.env = {"HOME=/tmp",
             "LANG=C.UTF-8",
             "PATH=/usr/bin",
             "TMPDIR=/tmp",
             "VORTEX_INIT_TOKEN=00000000000000000000000000000001",
             "VORTEX_PLUGIN_ID=word-count",
             "VORTEX_RESULT_TOKEN=00000000000000000000000000000002",
             "VORTEX_RUN_ID=" + job.run_id};
  job.bundle_dir = "/var/lib/vortex/bundles/" + std::string(64, '0');
  job.ids = {.host_start = 0x70000000, .size = 65536};
  job.cgroups_path = "/vortex/" + job.run_id;
  job.limits = {.memory_bytes = 256 << 20,
                .millicpus = 1000,
                .pids = 64,
                .tmp_bytes = 64 << 20,
                .nofile = 256,
                .fsize_bytes = 64 << 20};
  return job;
}

}  // namespace vortex::oci::testing
