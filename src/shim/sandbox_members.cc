// SPDX-License-Identifier: Apache-2.0
// Several containers in one sandbox of the runtime's own (a pod under runsc). The first is the
// sandbox: its pid is the sandbox process, and with it everything ends. The others, its members,
// have no process on the host: the runtime starts, signals, waits for and counts them.
#include "shim/sandbox_members.h"

#include <signal.h>

#include "base/json_reader.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/empty.pb.h"
#include "shim/files.h"
#include "shim/log.h"
#include "shim/service.h"
#include "shim/stats.h"

namespace vortex::shim {
namespace {

using base::JsonReader;

std::uint64_t Unsigned(JsonReader& json) {
  const std::int64_t value = json.Int();
  return value > 0 ? static_cast<std::uint64_t>(value) : 0;
}

// The value of `inner` in the object that is the next value; every other member is skipped.
void Member(JsonReader& json, std::string_view inner, const std::function<void()>& take) {
  json.Object([&](std::string_view key) {
    if (key == inner) {
      take();
    } else {
      json.Skip();
    }
  });
}

}  // namespace

std::optional<unsigned> ParseWaitOutput(std::string_view text) {
  JsonReader json(text);
  std::optional<unsigned> status;
  Member(json, "exitStatus", [&] {
    const std::int64_t value = json.Int();
    if (value >= 0 && value <= 255) status = static_cast<unsigned>(value);
  });
  if (!json.Finish()) return std::nullopt;
  return status;
}

std::optional<MemberStats> ParseMemberStats(std::string_view text) {
  JsonReader json(text);
  std::optional<MemberStats> stats;
  Member(json, "data", [&] {
    stats.emplace();
    json.Object([&](std::string_view key) {
      if (key == "cpu") {
        Member(json, "usage",
               [&] { Member(json, "total", [&] { stats->cpu_ns = Unsigned(json); }); });
      } else if (key == "memory") {
        Member(json, "usage",
               [&] { Member(json, "usage", [&] { stats->memory_bytes = Unsigned(json); }); });
      } else if (key == "pids") {
        Member(json, "current", [&] { stats->pids = Unsigned(json); });
      } else {
        json.Skip();
      }
    });
  });
  if (!json.Finish()) return std::nullopt;
  return stats;
}

Status Service::JoinSandbox(Container* container) {
  const std::string type = container->config.Annotation("io.kubernetes.cri.container-type");
  if (container->cli->driver().host_init || type != "container") return Ok();
  const std::string id = container->config.Annotation("io.kubernetes.cri.sandbox-id");
  const auto it = containers_.find(id);
  if (it == containers_.end() || it->second->sandbox || it->second->init->pid == 0) {
    return FailedPrecondition("container " + container->id + " belongs to the sandbox \"" + id +
                              "\" (io.kubernetes.cri.sandbox-id), which is not there");
  }
  if (it->second->cli->root() != container->cli->root() || it->second->cli->driver().host_init) {
    return FailedPrecondition("container " + container->id + " and its sandbox " + id +
                              " have different runtimes");
  }
  if (it->second->init_exited)
    return FailedPrecondition("sandbox " + id + " has ended, with " + container->id + " to come");
  container->sandbox = it->second;
  return Ok();
}

std::vector<std::shared_ptr<Container>> Service::LivingMembers(const Container& sandbox) const {
  std::vector<std::shared_ptr<Container>> members;
  for (const auto& [id, container] : containers_) {
    if (container->sandbox.get() == &sandbox && !container->init->reaped.set())
      members.push_back(container);
  }
  return members;
}

base::Task<Status> Service::StartMember(std::shared_ptr<Container> member) {
  RuntimeCall call;
  call.verb = "start";
  // A terminal's socket went with create.
  if (member->init->io->console_socket().empty()) HandOver(*member->init->io, &call);
  call.args.push_back(member->id);
  Status status = co_await member->cli->Run(std::move(call), nullptr);
  if (!status.ok()) co_return status;
  base::Detach(AwaitMember(member));
  co_return co_await member->init->io->Started();
}

base::Task<void> Service::AwaitMember(std::shared_ptr<Container> member) {
  unsigned status = 128 + SIGKILL;
  // Twice: a `runsc wait` may be killed by somebody, which says nothing about the container.
  for (int attempt = 0; attempt < 2; ++attempt) {
    RuntimeCall call;
    call.verb = "wait";
    call.args.push_back(member->id);
    call.log_name = "wait.log.json";
    std::string said;
    const Status waited = co_await member->cli->Run(std::move(call), &said);
    if (leaving_ || member->init->reaped.set()) co_return;
    const auto parsed = waited.ok() ? ParseWaitOutput(said) : std::nullopt;
    if (parsed) {
      status = *parsed;
      break;
    }
    if (member->sandbox->init_exited) break;
    Log(Level::kWarning, {"container ", member->id, ": ",
                          waited.ok() ? "no exit status in: " + said : waited.message});
    if (attempt == 0) continue;
    // Nobody can tell any more when it ends, so it ends now; with the sandbox, in most cases.
    co_await member->sandbox->init->reaped.WaitFor(std::chrono::seconds(1));
    if (!member->sandbox->init_exited) co_await KillMember(member, SIGKILL, true);
  }
  EndMember(member, status);
}

base::Task<Status> Service::KillMember(std::shared_ptr<Container> member, int signal, bool all) {
  if (signal == SIGKILL && member->init->state == State::kCreated && !member->init->starting) {
    // The runtime refuses: nothing of it runs.
    EndMember(member, 128 + SIGKILL);
    co_return Ok();
  }
  RuntimeCall call;
  call.verb = "kill";
  call.log_name = "kill.log.json";
  if (all) call.args.emplace_back("--all");
  call.args.insert(call.args.end(), {member->id, std::to_string(signal)});
  Status status = co_await member->cli->Run(std::move(call), nullptr);
  if (!status.ok() && MeansNotFound(status.message)) co_return NotFound("process already finished");
  co_return status;
}

void Service::EndMember(const std::shared_ptr<Container>& member, unsigned status) {
  Process* init = member->init.get();
  if (init->reaped.set()) return;
  init->exit_status = status;
  init->wait_status = static_cast<int>(status) << 8;
  init->exited_at = NowUnixNs();
  init->reaped.Set();
  member->init_exited = true;
  base::Detach(InitExited(member));
}

base::Task<void> Service::EndMembers(std::shared_ptr<Container> sandbox) {
  const auto limit = base::EventLoop::Clock::now() + std::chrono::seconds(1);
  for (const auto& member : LivingMembers(*sandbox)) {
    // Its own status may be on its way.
    const auto left = limit - base::EventLoop::Clock::now();
    if (member->init->state != State::kCreated && left > std::chrono::nanoseconds::zero())
      co_await member->init->reaped.WaitFor(left);
    EndMember(member, 128 + SIGKILL);
    // Their exits are told before the sandbox's.
    co_await member->init->exited.WaitFor(std::chrono::seconds(1));
  }
}

base::Task<Status> Service::StatsOfMember(std::shared_ptr<Container> member,
                                          google::protobuf::Any* out) {
  RuntimeCall call;
  call.verb = "events";
  call.args = {"--stats", member->id};
  call.log_name = "events.log.json";
  call.limit = std::chrono::seconds(10);
  std::string said;
  Status status = co_await member->cli->Run(std::move(call), &said);
  if (!status.ok()) {
    co_return MeansNotFound(status.message) ? NotFound("container " + member->id) : status;
  }
  const auto stats = ParseMemberStats(said);
  if (!stats) {
    co_return Error(Code::kUnknown,
                    "statistics of " + member->id + ": the runtime said: " + said.substr(0, 512));
  }
  WriteMemberStats(member->sandbox->cgroup.v2(), *stats, out);
  co_return Ok();
}

}  // namespace vortex::shim
