// SPDX-License-Identifier: Apache-2.0
#include "unit/oci/jobs.h"

#include <utility>

namespace vortex::oci {

JobConfig DefaultJob(RuntimeClass runtime_class) {
  JobConfig job;
  job.run_id = "word-count-0123456789abcdef";
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
             "VORTEX_INIT_TOKEN=00000000000000000000000000000000",
             "VORTEX_PLUGIN_ID=word-count",
             "VORTEX_RESULT_TOKEN=11111111111111111111111111111111",
             "VORTEX_RUN_ID=word-count-0123456789abcdef"};
  job.bundle_dir = "/var/lib/vortex/bundles/sha256-0123456789abcdef";
  job.ids = {.host_start = 1879048192, .size = 65536};
  job.cgroups_path = "/vortex/word-count-0123456789abcdef";
  job.limits = {.memory_bytes = 256 << 20,
                .millicpus = 1000,
                .pids = 64,
                .tmp_bytes = 64 << 20,
                .nofile = 1024,
                .fsize_bytes = 64 << 20};
  const std::string run_dir = "/run/vortex/runs/word-count-0123456789abcdef";
  if (runtime_class == RuntimeClass::kRunc || runtime_class == RuntimeClass::kCrun) {
    job.watch = {.network = true,
                 .filesystem = true,
                 .listener_path = run_dir + "/seccomp",
                 .listener_metadata =
                     "sha256:2222222222222222222222222222222222222222222222222222222222222222"};
  }
  return job;
}

namespace {

template <typename Change>
GoldenJob Variant(std::string name, std::string why, Change change) {
  GoldenJob golden{std::move(name), std::move(why), DefaultJob()};
  change(golden.job);
  return golden;
}

}  // namespace

std::vector<GoldenJob> GoldenJobs() {
  return {
      {"runc-default", "a Python plugin without any grant", DefaultJob()},
      {"crun-default", "the same under crun", DefaultJob(RuntimeClass::kCrun)},
      {"gvisor-default", "the same under gVisor", DefaultJob(RuntimeClass::kGvisor)},
      {"kata-default", "the same under Kata", DefaultJob(RuntimeClass::kKata)},
      Variant("runc-unwatched", "a policy that does without records of denials",
              [](JobConfig& job) { job.watch = {}; }),
      Variant("runc-watched-network", "a policy that watches the network alone",
              [](JobConfig& job) { job.watch.filesystem = false; }),
      Variant("runc-native-command", "a program of the bundle instead of Python",
              [](JobConfig& job) {
                job.args = {"/usr/lib/vortex/init", "--", "/plugin/bin/hello", "--once"};
              }),
      Variant("runc-tight-limits", "the smallest limits",
              [](JobConfig& job) {
                job.limits = {.memory_bytes = 8 << 20,
                              .millicpus = 10,
                              .pids = 4,
                              .tmp_bytes = 4096,
                              .nofile = 16,
                              .fsize_bytes = 4096};
              }),
      Variant("runc-device", "a granted GPU: its node, its cgroup rule, its driver's ioctls",
              [](JobConfig& job) {
                job.devices = {
                    kForATest,
                    {{.path = "/dev/nvidia0", .type = "c", .major = 195, .minor = 0},
                     {.path = "/dev/nvidiactl", .type = "c", .major = 195, .minor = 255}}};
              }),
      Variant("runc-with-cdi-device",
              "a device by its CDI file: a node to read, another one from another path of the "
              "host, a driver's library, a variable",
              [](JobConfig& job) {
                job.devices = {kForATest,
                               {{.path = "/dev/accel0", .major = 261, .minor = 0, .access = "r"},
                                {.path = "/dev/accel1",
                                 .host_path = "/srv/host/dev/accel7",
                                 .major = 261,
                                 .minor = 7}}};
                job.mounts = {kForATest,
                              {{.source = "/usr/lib/x86_64-linux-gnu/libaccel.so.1.2.3",
                                .destination = "/mnt/cdi/usr/lib/x86_64-linux-gnu/libaccel.so.1",
                                .driver = true,
                                .executable = true}}};
                job.env.push_back("LD_LIBRARY_PATH=/mnt/cdi/usr/lib/x86_64-linux-gnu");
              }),
      Variant("runc-capability", "a granted capability",
              [](JobConfig& job) {
                job.capabilities = {kForATest, {"CAP_NET_BIND_SERVICE"}};
              }),
      Variant("runc-raw-sockets", "the one capability that widens the seccomp profile",
              [](JobConfig& job) {
                job.capabilities = {kForATest, {"CAP_NET_RAW"}};
              }),
      Variant("runc-network-namespace", "granted egress: a network namespace that the runner made",
              [](JobConfig& job) {
                job.network_namespace_path = {kForATest,
                                              "/run/netns/vortex-word-count-0123456789abcdef"};
              }),
      Variant(
          "runc-extra-mount", "a granted host directory to read, and one to write",
          [](JobConfig& job) {
            job.mounts = {
                kForATest,
                {{.source = "/srv/models/small", .destination = "/mnt/models"},
                 {.source = "/srv/out/word-count", .destination = "/mnt/out", .read_only = false}}};
          }),
      Variant("runc-cgroup-v2", "a node with the unified cgroup hierarchy",
              [](JobConfig& job) { job.cgroup_v2 = true; }),
      Variant("runc-aarch64", "an arm64 node", [](JobConfig& job) { job.arch = "aarch64"; }),
      Variant("runc-annotations", "annotations for our own shim",
              [](JobConfig& job) {
                job.annotations = {
                    {"io.vortex.deadline-unix-ns", "1767225600000000000"},
                    {"io.vortex.report", "/run/vortex/runs/word-count-0123456789abcdef/report"},
                    {"io.vortex.trace-config",
                     "/run/vortex/runs/word-count-0123456789abcdef/trace.json"}};
              }),
  };
}

}  // namespace vortex::oci
