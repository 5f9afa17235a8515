// SPDX-License-Identifier: Apache-2.0
#include "sandbox/denials/trace_events.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sandbox/denials/path_rules.h"
#include "sandbox/denials/refused_calls.h"
#include "sandbox/denials/socket_target.h"

namespace vortex::sandbox {
namespace {

// Message types of the wire protocol.
enum Type { kRaw = 6, kOpen = 7, kConnect = 10, kExecve = 11, kSocket = 12, kBind = 24 };

constexpr std::size_t kHeader = 8;
constexpr std::uint16_t kDnsPort = 53;

// A protobuf message, field by field.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}

  // The next field; false at the end and at the first malformed one.
  bool Next() {
    if (bytes_.empty()) return false;
    std::uint64_t key = 0;
    if (!Varint(key)) return false;
    field_ = static_cast<int>(key >> 3 & 0xffff);
    text_ = {};
    number_ = 0;
    switch (key & 7) {
      case 0:
        return Varint(number_);
      case 1:
        return Skip(8);
      case 2: {
        std::uint64_t size = 0;
        if (!Varint(size) || size > bytes_.size()) return Fail();
        text_ = bytes_.substr(0, static_cast<std::size_t>(size));
        return Skip(static_cast<std::size_t>(size));
      }
      case 5:
        return Skip(4);
      default:
        return Fail();
    }
  }

  bool failed() const { return failed_; }
  int field() const { return field_; }
  std::uint64_t number() const { return number_; }
  std::string_view text() const { return text_; }

 private:
  bool Fail() {
    failed_ = true;
    return false;
  }
  bool Skip(std::size_t size) {
    if (size > bytes_.size()) return Fail();
    bytes_.remove_prefix(size);
    return true;
  }
  bool Varint(std::uint64_t& out) {
    out = 0;
    for (std::size_t i = 0; i < 10 && i < bytes_.size(); ++i) {
      const auto byte = static_cast<unsigned char>(bytes_[i]);
      out |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
      if ((byte & 0x80) == 0) return Skip(i + 1);
    }
    return Fail();
  }

  std::string_view bytes_;
  std::string_view text_;
  std::uint64_t number_ = 0;
  int field_ = 0;
  bool failed_ = false;
};

bool ReadContext(std::string_view bytes, TraceEvent& event) {
  Fields fields(bytes);
  while (fields.Next())
    if (fields.field() == 8) event.cwd = fields.text();
  return !fields.failed();
}

bool ReadExit(std::string_view bytes, TraceEvent& event) {
  event.exit = true;
  Fields fields(bytes);
  while (fields.Next()) {
    if (fields.field() == 1) event.result = static_cast<std::int64_t>(fields.number());
    if (fields.field() == 2) event.errno_value = static_cast<int>(fields.number() & 0xffff);
  }
  return !fields.failed();
}

// Fields from the fourth on mean something else in each message.
void ReadOwn(const Fields& fields, TraceEvent& event) {
  const int field = fields.field();
  switch (event.type) {
    case kRaw:
      if (field == 4) event.number = fields.number();
      if (field >= 5 && field <= 10) event.args[field - 5] = fields.number();
      break;
    case kOpen:
      if (field == 5) event.fd_path = fields.text();
      if (field == 6) event.path = fields.text();
      if (field == 7) event.flags = fields.number();
      break;
    case kExecve:
      if (field == 5) event.fd_path = fields.text();
      if (field == 6) event.path = fields.text();
      break;
    case kBind:
    case kConnect:
      if (field == 6) event.address = fields.text();
      break;
    case kSocket:
      if (field == 4) event.domain = static_cast<int>(fields.number());
      if (field == 5) event.socket_type = static_cast<int>(fields.number());
      break;
    default:
      break;
  }
}

std::optional<Attempt> FileAttempt(const TraceEvent& event,
                                   const std::vector<std::string>& granted_mounts) {
  if (event.path.empty()) return std::nullopt;
  const std::string path = CleanPath(event.fd_path.empty() ? event.cwd : event.fd_path, event.path);
  if (event.type == kExecve) {
    if (event.errno_value == ENOENT && MissingProgramIsDenial(path))
      return Attempt{"process", "execute", path, kRuleNoFile, ENOENT};
    if (event.errno_value == EACCES && IsPluginsOwn(path))
      return Attempt{"process", "execute", path, kRuleNoExec, EACCES};
    return std::nullopt;
  }
  const auto flags = static_cast<int>(event.flags);
  const bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0 ||
                      event.number == SYS_creat;
  const char* action = writes ? "write" : "open";
  if (writes && !RefusedWriteIsDenial(path)) return std::nullopt;
  switch (event.errno_value) {
    case ENOENT:
      if (!MissingFileIsDenial(path, granted_mounts)) return std::nullopt;
      if (IsDevice(path)) return Attempt{"device", action, path, kRuleNoDevice, ENOENT};
      return Attempt{"filesystem", action, path, kRuleNoFile, ENOENT};
    case EROFS:
      return Attempt{"filesystem", action, path, kRuleReadOnly, EROFS};
    case EACCES:
    case EPERM:
      if (IsPluginsOwn(path)) return std::nullopt;
      return Attempt{"filesystem", action, path, kRuleNotRoot, event.errno_value};
    default:
      return std::nullopt;
  }
}

std::optional<Attempt> ConnectAttempt(const TraceEvent& event,
                                      const std::vector<std::string>& granted_mounts,
                                      const std::vector<std::string>& reachable_hosts) {
  const SocketTarget target = ParseSocketTarget(event.address);
  if (target.kind == SocketTarget::Kind::kUnixPath) {
    const std::string path = CleanPath(event.cwd, target.text);
    if (event.errno_value == 0 || !MissingFileIsDenial(path, granted_mounts)) return std::nullopt;
    return Attempt{"filesystem", "connect", path, kRuleNoFile, event.errno_value};
  }
  if (target.kind != SocketTarget::Kind::kInternet) return std::nullopt;
  // Where glibc asks for names when no resolver is named. Nobody answers there; what was asked is
  // not in the event.
  if (target.loopback && target.port == kDnsPort)
    return Attempt{"network", "resolve", target.text, kRuleNoResolver, ECONNREFUSED};
  const bool refused = event.errno_value == ENETUNREACH || event.errno_value == EHOSTUNREACH ||
                       event.errno_value == EACCES || event.errno_value == EPERM;
  if (!refused || target.loopback ||
      std::find(reachable_hosts.begin(), reachable_hosts.end(), target.host) !=
          reachable_hosts.end())
    return std::nullopt;
  return Attempt{"network", "connect", target.text, kRuleNetwork, event.errno_value};
}

std::optional<Attempt> BindAttempt(const TraceEvent& event) {
  const SocketTarget target = ParseSocketTarget(event.address);
  if (target.kind == SocketTarget::Kind::kUnixPath) {
    const std::string path = CleanPath(event.cwd, target.text);
    if (event.errno_value != EROFS) return std::nullopt;
    return Attempt{"filesystem", "bind", path, kRuleReadOnly, EROFS};
  }
  if (target.kind != SocketTarget::Kind::kInternet || target.port == 0 ||
      (event.errno_value != EACCES && event.errno_value != EPERM))
    return std::nullopt;
  return Attempt{"network", "bind", target.text, kRuleCapabilities, event.errno_value};
}

std::optional<Attempt> RawAttempt(const TraceEvent& event) {
  const int error = event.errno_value;
  seccomp_data call{};
  call.nr = static_cast<int>(event.number);
  std::copy(std::begin(event.args), std::end(event.args), std::begin(call.args));
  switch (call.nr) {
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
      if (error != ENETUNREACH && error != EHOSTUNREACH) return std::nullopt;
      return Attempt{"network", "send", "", kRuleNetwork, error};
    case SYS_mkdirat:
    case SYS_unlinkat:
    case SYS_renameat2:
    case SYS_symlinkat:
    case SYS_linkat:
    case SYS_fchmod:
    case SYS_fchmodat:
    case SYS_truncate:
#ifdef SYS_mkdir
    case SYS_link:
    case SYS_chmod:
    case SYS_mkdir:
    case SYS_rmdir:
    case SYS_unlink:
    case SYS_rename:
    case SYS_renameat:
    case SYS_symlink:
#endif
      if (error != EROFS) return std::nullopt;
      return Attempt{"filesystem", "change", "", kRuleReadOnly, error};
    default:
      break;
  }
  Attempt attempt = RefusedCall(call);
  // The plugin's own user namespace maps its one id; every other is EINVAL there.
  const bool unmapped_id = error == EINVAL && attempt.control == "capability";
  if (error != EPERM && error != ENOSYS && error != EACCES && !unmapped_id) return std::nullopt;
  attempt.errno_value = error;
  // The sentry's own filter and capabilities, not the host's profile.
  if (attempt.rule == kRuleSeccomp) attempt.rule = "isolation.sentry";
  return attempt;
}

}  // namespace

std::optional<TraceEvent> ParseTraceEvent(std::string_view packet) {
  if (packet.size() < kHeader) return std::nullopt;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(packet[i]));
  };
  const std::size_t header = byte(0) | byte(1) << 8;
  if (header < kHeader || header > packet.size()) return std::nullopt;
  TraceEvent event;
  event.type = static_cast<int>(byte(2) | byte(3) << 8);
  event.dropped = byte(4) | byte(5) << 8 | byte(6) << 16 | byte(7) << 24;
  Fields fields(packet.substr(header));
  while (fields.Next()) {
    if (fields.field() == 1) {
      if (!ReadContext(fields.text(), event)) return std::nullopt;
    } else if (fields.field() == 2) {
      if (!ReadExit(fields.text(), event)) return std::nullopt;
    } else {
      if (fields.field() == 3) event.number = fields.number();
      ReadOwn(fields, event);
    }
  }
  if (fields.failed()) return std::nullopt;
  return event;
}

std::optional<Attempt> AttemptOf(const TraceEvent& event,
                                 const std::vector<std::string>& granted_mounts,
                                 const std::vector<std::string>& reachable_hosts) {
  if (!event.exit) return std::nullopt;
  if (event.type == kConnect) return ConnectAttempt(event, granted_mounts, reachable_hosts);
  if (event.errno_value == 0) return std::nullopt;
  switch (event.type) {
    case kOpen:
    case kExecve:
      return FileAttempt(event, granted_mounts);
    case kSocket:
      if (event.errno_value != EPERM && event.errno_value != EACCES &&
          event.errno_value != EAFNOSUPPORT)
        return std::nullopt;
      return Attempt{
          "network", "socket",
          FamilyName(event.domain) + ((event.socket_type & 0xf) == SOCK_RAW ? " SOCK_RAW" : ""),
          "isolation.sentry", event.errno_value};
    case kBind:
      return BindAttempt(event);
    case kRaw:
      return RawAttempt(event);
    default:
      return std::nullopt;
  }
}

std::vector<int> TracedNumbers(bool network, bool filesystem) {
  std::vector<int> numbers = {
      SYS_ptrace,       SYS_mount,        SYS_umount2,          SYS_unshare,
      SYS_setns,        SYS_bpf,          SYS_keyctl,           SYS_add_key,
      SYS_request_key,  SYS_chroot,       SYS_pivot_root,       SYS_perf_event_open,
      SYS_reboot,       SYS_userfaultfd,  SYS_process_vm_readv, SYS_kexec_load,
      SYS_init_module,  SYS_finit_module, SYS_swapon,           SYS_sethostname,
      SYS_settimeofday, SYS_setuid,       SYS_setgid,           SYS_setgroups,
      SYS_setreuid,     SYS_setregid,     SYS_setresuid,        SYS_setresgid,
      SYS_fchown,       SYS_fchownat,     SYS_mknodat,          SYS_open_by_handle_at};
#ifdef SYS_mknod
  numbers.insert(numbers.end(), {SYS_mknod, SYS_chown, SYS_lchown});
#endif
  if (network) numbers.insert(numbers.end(), {SYS_sendto, SYS_sendmsg, SYS_sendmmsg});
  if (filesystem) {
    numbers.insert(numbers.end(), {SYS_mkdirat, SYS_unlinkat, SYS_renameat2, SYS_symlinkat,
                                   SYS_truncate, SYS_linkat, SYS_fchmod, SYS_fchmodat});
#ifdef SYS_mkdir
    numbers.insert(numbers.end(), {SYS_mkdir, SYS_rmdir, SYS_unlink, SYS_rename, SYS_symlink,
                                   SYS_link, SYS_chmod});
#endif
  }
  return numbers;
}

}  // namespace vortex::sandbox
