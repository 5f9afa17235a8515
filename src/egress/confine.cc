// SPDX-License-Identifier: Apache-2.0
#include "egress/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "base/status.h"

namespace vortex::egress {
namespace {

// Beyond what the libraries take; two buffers of 64 KiB a connection are the bulk of it.
constexpr rlim_t kMaxAddressSpace = rlim_t{512} << 20;

// Address space is what sanitizers live on.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

absl::Status BecomeNobody(const Config& config) {
  if (config.uid == 0) return absl::OkStatus();
  for (int cap = 0; ::prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; ++cap) {
    if (::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0) return ErrnoStatus(errno, "drop capability");
  }
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    return ErrnoStatus(errno, "clear ambient capabilities");
  }
  if (::setgroups(0, nullptr) != 0) return ErrnoStatus(errno, "setgroups");
  if (::setresgid(config.gid, config.gid, config.gid) != 0) return ErrnoStatus(errno, "setresgid");
  // Also empties the permitted and effective sets: capabilities(7).
  if (::setresuid(config.uid, config.uid, config.uid) != 0) return ErrnoStatus(errno, "setresuid");
  return absl::OkStatus();
}

absl::Status LimitResources(const Config& config) {
  const auto set = [](auto resource, rlim_t value) {
    const rlimit limit{value, value};
    return ::setrlimit(resource, &limit) == 0;
  };
  // A connection has two ends; the rest is for name servers and the loop itself.
  const auto files = static_cast<rlim_t>(config.limits.connections) * 2 + 128;
  const bool done = set(RLIMIT_CORE, 0) && set(RLIMIT_FSIZE, 0) && set(RLIMIT_NPROC, 0) &&
                    set(RLIMIT_NOFILE, files) && (kSanitized || set(RLIMIT_AS, kMaxAddressSpace));
  return done ? absl::OkStatus() : ErrnoStatus(errno, "setrlimit");
}

// clang-format off
constexpr int kAllowed[] = {
    // sockets that exist, and new ones of the families below
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(getpeername),
    SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(setsockopt), SCMP_SYS(shutdown),
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close),
    SCMP_SYS(ioctl), SCMP_SYS(fcntl),
    // the loop
    SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_wait),
    SCMP_SYS(eventfd2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime), SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time),
    // memory
    SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(mremap),
    SCMP_SYS(munmap), SCMP_SYS(getrandom),
    // itself
    SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(futex), SCMP_SYS(getpid), SCMP_SYS(gettid),
    SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
#if defined(__SANITIZE_ADDRESS__)
    // A sanitizer asks by a pipe whether memory is readable.
    SCMP_SYS(pipe), SCMP_SYS(pipe2),
#endif
    SCMP_SYS(rt_sigreturn), SCMP_SYS(sched_yield), SCMP_SYS(sigaltstack)};
// clang-format on

absl::Status FilterSystemCalls() {
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter(
      ::seccomp_init(SCMP_ACT_ERRNO(EPERM)), ::seccomp_release);
  if (filter == nullptr) return ErrnoStatus(ENOMEM, "seccomp_init");
  int error = 0;
  for (const int call : kAllowed) {
    if (error == 0) error = ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
  }
  // No unix sockets: abstract ones would lead to the host's services.
  for (const int family : {AF_INET, AF_INET6}) {
    if (error == 0) {
      error = ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                 SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
    }
  }
  if (error == 0) error = ::seccomp_load(filter.get());
  return error == 0 ? absl::OkStatus() : ErrnoStatus(-error, "seccomp");
}

}  // namespace

absl::Status Confine(const Config& config) {
  VX_RETURN_IF_ERROR(BecomeNobody(config));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return ErrnoStatus(errno, "no_new_privs");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return ErrnoStatus(errno, "not dumpable");
  VX_RETURN_IF_ERROR(LimitResources(config));
  return FilterSystemCalls();
}

}  // namespace vortex::egress
