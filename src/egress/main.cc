// SPDX-License-Identifier: Apache-2.0
// vortex-egress-proxy: the one thing that a sandbox with granted hosts can reach. Started by the
// runner with a control socket as descriptor 3 and a listening socket as descriptor 4; of no use to
// a person.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/spawn.h"
#include "base/status.h"
#include "egress/config.h"
#include "egress/confine.h"
#include "egress/report.h"
#include "egress/server.h"

namespace vortex::egress {
namespace {

constexpr std::size_t kMaxConfig = 128 * 1024;

absl::StatusOr<Config> ReceiveConfig() {
  std::string text(kMaxConfig, '\0');
  const ssize_t size = ::recv(kControlFd, text.data(), text.size(), MSG_TRUNC);
  if (size < 0) return ErrnoStatus(errno, "receive the config");
  if (size == 0) return InvalidArgument("the runner closed the control socket");
  if (static_cast<std::size_t>(size) > text.size()) {
    return InvalidArgument("a config of {} bytes", size);
  }
  text.resize(static_cast<std::size_t>(size));
  return ParseConfig(text);
}

absl::Status Serve() {
  VX_ASSIGN_OR_RETURN(const Config config, ReceiveConfig());
  VX_ASSIGN_OR_RETURN(
      const std::unique_ptr<Server> server,
      Server::Create(config, base::UniqueFd(::dup(kControlFd)), base::UniqueFd(kListenFd)));
  VX_RETURN_IF_ERROR(Confine(config));
  server->Run();
  // Connections that are open still end with the process.
  std::_Exit(0);
}

int Main() {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(kControlFd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET) {
    std::fputs(
        "vortex-egress-proxy: descriptor 3 is no control socket; the runner starts this "
        "program\n",
        stderr);
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  ::fcntl(kControlFd, F_SETFD, FD_CLOEXEC);
  base::CloseOthers({kControlFd, kListenFd});
  if (const absl::Status status = Serve(); !status.ok()) {
    const std::string message = FailedMessage(Message(status));
    (void)::send(kControlFd, message.data(), message.size(), MSG_NOSIGNAL);
  }
  return 1;
}

}  // namespace
}  // namespace vortex::egress

int main() { return vortex::egress::Main(); }
