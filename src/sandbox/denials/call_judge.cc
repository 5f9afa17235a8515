// SPDX-License-Identifier: Apache-2.0
#include "sandbox/denials/call_judge.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "oci/job.h"
#include "sandbox/denials/path_rules.h"
#include "sandbox/denials/refused_calls.h"
#include "sandbox/denials/socket_target.h"

namespace vortex::sandbox {
namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::uint16_t kFirstFreePort = 1024;  // net.ipv4.ip_unprivileged_port_start
constexpr int kFchmodat2 = 452;                 // Linux 6.6; no header of ours has it
constexpr std::size_t kMaxAddress = 128;
constexpr std::size_t kMaxQuestion = 512;  // of a DNS query over UDP, RFC 1035 4.2.1

Ruling Continue() { return {}; }

Ruling Refuse(Attempt attempt) {
  const int error = attempt.errno_value;
  return {error, std::move(attempt)};
}

int Fd(std::uint64_t value) { return static_cast<int>(value); }

// What the plugin may change its ids to without a capability: to what they are.
bool OnlyOwnIds(const seccomp_data& call, int first, int count) {
  bool own = true;
  for (int i = first; i < first + count; ++i) {
    const auto id = static_cast<std::uint32_t>(call.args[i]);
    own = own && (id == UINT32_MAX || id == oci::kDefaultUid);
  }
  return own;
}

// Ids that the user namespace does not map are EINVAL, which is no denial.
bool AnyUnmapped(const seccomp_data& call, int first, int count) {
  for (int i = first; i < first + count; ++i) {
    const auto id = static_cast<std::uint32_t>(call.args[i]);
    if (id != UINT32_MAX && id > 0xffff) return true;
  }
  return false;
}

Ruling ChangeOfIds(const seccomp_data& call, int first, int count) {
  if (OnlyOwnIds(call, first, count) || AnyUnmapped(call, first, count)) return Continue();
  return Refuse(RefusedCall(call));
}

// Whether the profile lets it through when nobody watches.
bool IsAllowed(int number) {
  switch (number) {
    case SYS_bind:
    case SYS_connect:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
    case SYS_execve:
    case SYS_execveat:
    case SYS_openat:
    case SYS_openat2:
    case SYS_mkdirat:
    case SYS_unlinkat:
    case SYS_renameat2:
    case SYS_symlinkat:
    case SYS_linkat:
    case SYS_fchmod:
    case SYS_fchmodat:
    case kFchmodat2:
    case SYS_truncate:
    case SYS_fchown:
    case SYS_fchownat:
    case SYS_setuid:
    case SYS_setgid:
    case SYS_setreuid:
    case SYS_setregid:
    case SYS_setresuid:
    case SYS_setresgid:
    case SYS_setgroups:
#ifdef SYS_renameat
    case SYS_renameat:
#endif
#ifdef SYS_open
    case SYS_open:
    case SYS_creat:
    case SYS_mkdir:
    case SYS_rmdir:
    case SYS_unlink:
    case SYS_rename:
    case SYS_symlink:
    case SYS_link:
    case SYS_chmod:
    case SYS_chown:
    case SYS_lchown:
#endif
      return true;
    default:
      return false;
  }
}

}  // namespace

Ruling CallJudge::JudgeByNumber(const seccomp_data& call) {
  return IsAllowed(call.nr) ? Continue() : Ruling{RefusedCall(call).errno_value, std::nullopt};
}

Ruling CallJudge::Judge(const seccomp_data& call, const TargetTask& task) const {
  if (!IsAllowed(call.nr)) return Refuse(RefusedCall(call));
  const auto* arg = call.args;
  switch (call.nr) {
    case SYS_bind:
      return Bind(call, task);
    case SYS_connect:
      return Connect(call, task);
    case SYS_sendto:
      return SendTo(call, task);
    case SYS_sendmsg:
      return Message(task, Fd(arg[0]), arg[1]);
    case SYS_sendmmsg: {
      // glibc asks for both address families at once, the same name; one look is enough.
      return static_cast<std::uint32_t>(arg[2]) > 0 ? Message(task, Fd(arg[0]), arg[1])
                                                    : Continue();
    }
    case SYS_setuid:
    case SYS_setgid:
      return ChangeOfIds(call, 0, 1);
    case SYS_setreuid:
    case SYS_setregid:
      return ChangeOfIds(call, 0, 2);
    case SYS_setresuid:
    case SYS_setresgid:
      return ChangeOfIds(call, 0, 3);
    case SYS_setgroups:
      return Refuse(RefusedCall(call));
    case SYS_fchown:
#ifdef SYS_chown
    case SYS_chown:
    case SYS_lchown:
#endif
      return ChangeOfIds(call, 1, 2);
    case SYS_fchownat:
      return ChangeOfIds(call, 2, 2);
    case SYS_openat:
      return Open(task, Fd(arg[0]), arg[1], arg[2]);
    case SYS_openat2:
      return OpenHow(call, task);
    case SYS_execve:
      return Execute(task, AT_FDCWD, arg[0], 0);
    case SYS_execveat:
      return Execute(task, Fd(arg[0]), arg[1], arg[4]);
    case SYS_mkdirat:
      return Change(task, Fd(arg[0]), arg[1], "mkdir", true);
    case SYS_unlinkat:
      return Change(task, Fd(arg[0]), arg[1], "delete", false);
    case SYS_symlinkat:
      return Change(task, Fd(arg[1]), arg[2], "symlink", true);
    case SYS_linkat:
      return Link(task, {Fd(arg[0]), arg[1]}, {Fd(arg[2]), arg[3]}, arg[4]);
    case SYS_fchmod:
      return ChangeMode(task.File(Fd(arg[0])));
    case SYS_fchmodat:
      return ChangeMode(task, Fd(arg[0]), arg[1], 0);
    case kFchmodat2:
      return ChangeMode(task, Fd(arg[0]), arg[1], arg[3]);
    case SYS_truncate:
      return Truncate(call, task);
#ifdef SYS_renameat
    case SYS_renameat:
#endif
    case SYS_renameat2:
      return Rename(task, Fd(arg[0]), arg[1], Fd(arg[2]), arg[3]);
#ifdef SYS_open
    case SYS_open:
      return Open(task, AT_FDCWD, arg[0], arg[1]);
    case SYS_creat:
      return Open(task, AT_FDCWD, arg[0], O_CREAT | O_WRONLY | O_TRUNC);
    case SYS_mkdir:
      return Change(task, AT_FDCWD, arg[0], "mkdir", true);
    case SYS_rmdir:
    case SYS_unlink:
      return Change(task, AT_FDCWD, arg[0], "delete", false);
    case SYS_rename:
      return Rename(task, AT_FDCWD, arg[0], AT_FDCWD, arg[1]);
    case SYS_symlink:
      return Change(task, AT_FDCWD, arg[1], "symlink", true);
    case SYS_link:
      return Link(task, {AT_FDCWD, arg[0]}, {AT_FDCWD, arg[1]}, 0);
    case SYS_chmod:
      return ChangeMode(task, AT_FDCWD, arg[0], 0);
#endif
    default:
      return Continue();
  }
}

Ruling CallJudge::Connect(const seccomp_data& call, const TargetTask& task) const {
  return Address(task, call.args[1], call.args[2], "connect");
}

Ruling CallJudge::Address(const TargetTask& task, std::uint64_t address, std::uint64_t size,
                          const char* action) const {
  const auto length = static_cast<std::uint32_t>(size);
  if (address == 0 || length > kMaxAddress) return Continue();
  const auto bytes = task.Read(address, length);
  if (!bytes) return Continue();
  const SocketTarget target = ParseSocketTarget(*bytes);
  if (target.kind == SocketTarget::Kind::kUnixPath) {
    const Resolved resolved = Resolve(task, AT_FDCWD, target.text, true);
    return Missing(resolved, "connect", kRuleNoFile);
  }
  if (target.kind != SocketTarget::Kind::kInternet || target.loopback) return Continue();
  const auto& reachable = config_.reachable_hosts;
  if (std::find(reachable.begin(), reachable.end(), target.host) != reachable.end())
    return Continue();
  return Refuse({"network", action, target.text, kRuleNetwork, ENETUNREACH});
}

// Of an address that is the sandbox's own the port decides; of another one the socket's options do
// (IP_FREEBIND), which are not to be seen, so that is left to the kernel.
//   Source  __inet_bind in net/ipv4/af_inet.c, inet6_bind, unix_bind_bsd; Linux 6.1
Ruling CallJudge::Bind(const seccomp_data& call, const TargetTask& task) const {
  const auto length = static_cast<std::uint32_t>(call.args[2]);
  if (call.args[1] == 0 || length > kMaxAddress) return Continue();
  const auto bytes = task.Read(call.args[1], length);
  if (!bytes) return Continue();
  const SocketTarget target = ParseSocketTarget(*bytes);
  if (target.kind == SocketTarget::Kind::kUnixPath)
    return ChangeAt(task, AT_FDCWD, target.text, "bind", true);
  const bool own = target.loopback || target.host == "0.0.0.0" || target.host == "::";
  if (target.kind != SocketTarget::Kind::kInternet || !own || config_.has_capabilities ||
      target.port == 0 || target.port >= kFirstFreePort)
    return Continue();
  return Refuse({"network", "bind", target.text, kRuleCapabilities, EACCES});
}

Ruling CallJudge::SendTo(const seccomp_data& call, const TargetTask& task) const {
  if (call.args[4] != 0) return Address(task, call.args[4], call.args[5], "send");
  return Question(task, Fd(call.args[0]), call.args[1], call.args[2]);
}

Ruling CallJudge::Message(const TargetTask& task, int fd, std::uint64_t header) const {
  const auto bytes = task.Read(header, sizeof(msghdr));
  if (!bytes) return Continue();
  msghdr message;
  std::memcpy(&message, bytes->data(), sizeof message);
  if (message.msg_name != nullptr && message.msg_namelen > 0) {
    return Address(task, reinterpret_cast<std::uint64_t>(message.msg_name), message.msg_namelen,
                   "send");
  }
  if (message.msg_iovlen != 1) return Continue();
  const auto vector = task.Read(reinterpret_cast<std::uint64_t>(message.msg_iov), sizeof(iovec));
  if (!vector) return Continue();
  iovec data;
  std::memcpy(&data, vector->data(), sizeof data);
  return Question(task, fd, reinterpret_cast<std::uint64_t>(data.iov_base), data.iov_len);
}

// A sandbox has no resolver, and nobody without a capability may listen on its port: a question is
// refused as the kernel refuses it, only at once. What the plugin sees is the same.
Ruling CallJudge::Question(const TargetTask& task, int fd, std::uint64_t data,
                           std::uint64_t size) const {
  if (size > kMaxQuestion || config_.has_capabilities) return Continue();
  const auto bytes = task.Read(data, size);
  if (!bytes) return Continue();
  const std::string name = QuestionOf(*bytes);
  if (name.empty()) return Continue();
  const SocketTarget peer = ParseSocketTarget(task.PeerOf(fd));
  if (peer.kind != SocketTarget::Kind::kInternet || peer.port != kDnsPort) return Continue();
  return Refuse({"network", "resolve", name, kRuleNoResolver, ECONNREFUSED});
}

}  // namespace vortex::sandbox
