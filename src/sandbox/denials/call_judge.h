// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/denials/attempt.h"
#include "sandbox/denials/path_resolver.h"
#include "sandbox/denials/target_task.h"

struct seccomp_data;

namespace vortex::sandbox {

// What is done with a trapped call.
struct Ruling {
  // 0: the kernel goes on with it (SECCOMP_USER_NOTIF_FLAG_CONTINUE); else it fails with this.
  int errno_value = 0;
  // What is recorded once the answer has reached the caller. Only ever with an errno: a record says
  // what was refused, whatever the plugin does to its memory meanwhile.
  std::optional<Attempt> attempt;
};

struct JudgeConfig {
  bool network = true;
  bool filesystem = true;
  std::uint32_t plugin_host_uid = 0;
  // A capability is granted: permissions cannot be told from outside by ids alone, so calls that
  // depend on them are left to the kernel.
  bool has_capabilities = false;
  std::vector<std::string> granted_mounts;   // destinations
  std::vector<std::string> reachable_hosts;  // addresses that the network namespace has a way to
};

// Decides trapped calls. What the profile refuses is refused here too, by number alone; of what it
// lets through, a call is refused only when the kernel would refuse it as well, and everything that
// is not certain is left to the kernel. The calling thread must have the file system ids of the
// plugin (PathResolver).
class CallJudge {
 public:
  CallJudge(JudgeConfig config, PathResolver resolver)
      : config_(std::move(config)), resolver_(std::move(resolver)) {}

  Ruling Judge(const seccomp_data& call, const TargetTask& task) const;
  // The same without looking at anything but the number: for a flood.
  static Ruling JudgeByNumber(const seccomp_data& call);

 private:
  // A path in the plugin's memory, and the directory that it starts in.
  struct At {
    int dirfd;
    std::uint64_t path;
  };

  Ruling Bind(const seccomp_data& call, const TargetTask& task) const;
  Ruling Connect(const seccomp_data& call, const TargetTask& task) const;
  Ruling Address(const TargetTask& task, std::uint64_t address, std::uint64_t size,
                 const char* action) const;
  Ruling Question(const TargetTask& task, int fd, std::uint64_t data, std::uint64_t size) const;
  Ruling SendTo(const seccomp_data& call, const TargetTask& task) const;
  Ruling Message(const TargetTask& task, int fd, std::uint64_t header) const;
  Ruling Open(const TargetTask& task, int dirfd, std::uint64_t path, std::uint64_t flags) const;
  Ruling OpenHow(const seccomp_data& call, const TargetTask& task) const;
  Ruling Execute(const TargetTask& task, int dirfd, std::uint64_t path, std::uint64_t flags) const;
  // A name is made in, or taken from, a directory.
  Ruling Change(const TargetTask& task, int dirfd, std::uint64_t path, const char* action,
                bool makes) const;
  Ruling ChangeAt(const TargetTask& task, int dirfd, const std::string& path, const char* action,
                  bool makes) const;
  Ruling Link(const TargetTask& task, At from, At to, std::uint64_t flags) const;
  Ruling ChangeMode(const TargetTask& task, int dirfd, std::uint64_t path,
                    std::uint64_t flags) const;
  Ruling ChangeMode(const base::UniqueFd& file) const;
  Ruling Rename(const TargetTask& task, int from_dirfd, std::uint64_t from, int to_dirfd,
                std::uint64_t to) const;
  Ruling Truncate(const seccomp_data& call, const TargetTask& task) const;
  Ruling Missing(const Resolved& resolved, const char* action, const char* rule) const;
  Ruling Forbidden(const Resolved& resolved, const char* action) const;
  Ruling MakeIn(const Resolved& directory, const std::string& name, const char* action) const;

  Resolved Resolve(const TargetTask& task, int dirfd, const std::string& path, bool follow) const;

  JudgeConfig config_;
  PathResolver resolver_;
};

}  // namespace vortex::sandbox
