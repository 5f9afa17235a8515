// SPDX-License-Identifier: Apache-2.0
#include "shim/console_socket.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace vortex::shim {

ConsoleSocket::~ConsoleSocket() {
  if (!path_.empty()) ::unlink(path_.c_str());
  if (!dir_.empty()) ::rmdir(dir_.c_str());
}

Status ConsoleSocket::Listen() {
  const char* base_dir = ::getenv("XDG_RUNTIME_DIR");
  std::string pattern = std::string(base_dir != nullptr && *base_dir == '/' ? base_dir : "/tmp") +
                        "/vortex-pty-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr)
    return FromErrno("console socket directory " + pattern, errno);
  dir_ = pattern;
  path_ = dir_ + "/pty.sock";
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path_.size() >= sizeof name.sun_path)
    return Error(Code::kInternal, "console socket path is too long: " + path_);
  std::memcpy(name.sun_path, path_.data(), path_.size());
  listener_.Reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener_ ||
      ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
      ::listen(listener_.get(), 1) != 0) {
    return FromErrno("console socket " + path_, errno);
  }
  watch_ = loop_->Add(listener_.get(), EPOLLIN, [this](std::uint32_t) { OnConnect(); });
  return Ok();
}

void ConsoleSocket::OnConnect() {
  base::UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!peer) return;
  peer_ = std::move(peer);
  watch_ = loop_->Add(peer_.get(), EPOLLIN, [this](std::uint32_t) { OnMessage(); });
}

void ConsoleSocket::OnMessage() {
  char name[4096];
  iovec part{name, sizeof name};
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t count = ::recvmsg(peer_.get(), &message, MSG_CMSG_CLOEXEC);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t fds = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < fds; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      master_.Reset(fd);  // one is sent; of more the last is kept and none leaks
    }
  }
  watch_.Reset();
  peer_.Reset();
  if (master_) ::fcntl(master_.get(), F_SETFL, O_RDWR | O_NONBLOCK);
  received_.Set();
}

base::Task<Status> ConsoleSocket::Receive(base::UniqueFd* master) {
  const bool in_time = co_await received_.WaitFor(std::chrono::seconds(30));
  if (!in_time || !master_)
    co_return Error(Code::kUnknown, "the runtime sent no terminal over the console socket");
  *master = std::move(master_);
  co_return Ok();
}

}  // namespace vortex::shim
