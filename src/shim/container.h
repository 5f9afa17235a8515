// SPDX-License-Identifier: Apache-2.0
// What the shim knows about its containers and their processes.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/pidfd.h"
#include "base/task.h"
#include "base/unique_fd.h"
#include "shim/cgroup.h"
#include "shim/oci_config.h"
#include "shim/oom_watch.h"
#include "shim/process_io.h"
#include "shim/runtime_cli.h"
#include "shim/runtime_options.h"
#include "shim/spec_controls.h"

namespace vortex::shim {

enum class State { kCreating, kCreated, kRunning, kPausing, kPaused, kStopped, kDeleted };

struct Process {
  explicit Process(base::EventLoop* loop)
      : turn(loop), start_done(loop), reaped(loop), exited(loop) {}

  std::string exec_id;  // empty: the container's first process
  State state = State::kCreated;
  pid_t pid = 0;
  base::UniqueFd pidfd;
  std::int64_t inner_pid = 0;  // execs in a sandbox: what the runtime's kill knows it by
  unsigned exit_status = 0;
  int wait_status = 0;         // as from waitpid(2)
  std::int64_t exited_at = 0;  // unix ns; 0: not yet
  bool terminal = false;
  std::string in;
  std::string out;
  std::string err;
  std::string spec;  // execs: the OCI process as JSON
  std::unique_ptr<ProcessIo> io;

  base::AsyncMutex turn;  // one changing operation at a time
  bool starting = false;  // Start is under way: its event comes before the exit's
  base::Event start_done;
  base::Event reaped;  // the kernel's side: its pid means nothing any more
  base::Event exited;  // our side: exit published, Wait answers

  bool init() const { return exec_id.empty(); }
};

// st_dev and st_ino of stat(2).
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool operator==(const FileId&) const = default;
};

// One thing that the spec asks for and what the kernel says about it.
struct ControlReading {
  std::string name;
  std::int64_t requested = 0;
  std::int64_t effective = 0;
  std::string readback;  // the kernel's own words, or why there are none
};

// Marks along the way of a container, unix ns; 0: not reached. For the run report.
struct PhaseTimes {
  std::int64_t create_begin = 0;
  std::int64_t mounts_done = 0;
  std::int64_t create_done = 0;
  std::int64_t start_begin = 0;
  std::int64_t start_done = 0;
  std::int64_t exited = 0;
};

struct Container {
  Container(base::EventLoop* loop, std::string container_id)
      : id(std::move(container_id)), init(std::make_shared<Process>(loop)), created(loop) {}

  // SIGKILL to everything in it: by the cgroup, and to the first process where there is none.
  void KillAll() const {
    cgroup.KillAll();
    if (init->pidfd) base::PidfdKill(init->pidfd.get(), SIGKILL);
  }

  std::string id;
  std::string bundle;
  RuntimeOptions options;
  OciConfig config;
  std::unique_ptr<RuntimeCli> cli;
  std::shared_ptr<Process> init;
  std::map<std::string, std::shared_ptr<Process>> execs;
  // Set for a member of a sandbox of the runtime's own (sandbox_members.cc). Its init->pid is the
  // sandbox's, told to clients and never signalled; it has no cgroup that counts anything.
  std::shared_ptr<Container> sandbox;
  Cgroup cgroup;
  std::unique_ptr<OomWatch> oom;
  bool mounted = false;      // Create brought a rootfs to mount
  std::string checkpoint;    // Start restores from here instead of starting
  bool aborted = false;      // Delete or Shutdown came while Create was running
  bool killed = false;       // so did a SIGKILL: stays as a dead task that can be deleted
  bool init_exited = false;  // reaped, though perhaps not yet told
  base::Event created;       // Create has ended, either way
  PhaseTimes times;

  // For our own jobs only; see docs/developer/shim.md.
  std::optional<std::int64_t> deadline;  // ns of CLOCK_BOOTTIME
  base::UniqueFd deadline_timer;
  base::EventLoop::Watch deadline_watch;
  std::optional<std::int64_t> killed_at_deadline;     // unix ns
  std::string panic;                                  // why the sandbox's own kernel died
  std::string missing_control;                        // why Start refused
  std::unique_ptr<const SpecControls> spec_controls;  // until they have been compared
  std::vector<ControlReading> controls;
  int last_kill_signal = 0;  // what a client asked for last, and when
  std::int64_t last_kill_at = 0;
  bool seccomp_seen = false;  // read, whatever it was
  base::EventLoop::Timer seccomp_check;
  std::optional<FileId> runtime_program;  // what the first process ran before its start
};

}  // namespace vortex::shim
