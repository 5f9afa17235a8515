// SPDX-License-Identifier: Apache-2.0
#include "sandbox/denials/hand_over.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/json_reader.h"
#include "base/status.h"

namespace vortex::sandbox {
namespace {

constexpr std::size_t kMaxDocument = 64 << 10;  // the state has the run's annotations
constexpr std::size_t kMaxFds = 4;

}  // namespace

bool IsWholeDocument(std::string_view text) {
  base::JsonReader json(text);
  json.Skip();
  return json.Finish();
}

absl::StatusOr<HandOverState> ParseHandOver(std::string_view text) {
  HandOverState out;
  base::JsonReader json(text);
  json.Object([&](std::string_view key) {
    if (key == "metadata") {
      out.metadata = json.String();
    } else if (key == "pid") {
      out.pid = static_cast<int>(json.Int());
    } else if (key == "fds") {
      json.Array([&] { out.fd_names.push_back(json.String()); });
    } else if (key == "state") {
      json.Object([&](std::string_view inner) {
        if (inner == "id") {
          out.container_id = json.String();
        } else {
          json.Skip();
        }
      });
    } else {
      json.Skip();
    }
  });
  if (!json.Finish()) return InvalidArgument("seccomp hand-over: the state is not JSON");
  return out;
}

absl::StatusOr<bool> HandOver::Advance(const std::string& run_id, const std::string& metadata) {
  for (;;) {
    char bytes[4096];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFds)];
    iovec data{bytes, sizeof bytes};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t n = ::recvmsg(connection_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return false;
      return ErrnoStatus(errno, "seccomp hand-over: recvmsg");
    }
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
        received_.emplace_back(fd);
      }
    }
    if ((message.msg_flags & MSG_CTRUNC) != 0 || received_.size() > kMaxFds)
      return Error(absl::StatusCode::kDataLoss, "seccomp hand-over: descriptors were lost");
    text_.append(bytes, static_cast<std::size_t>(n));
    if (text_.size() > kMaxDocument)
      return Error(absl::StatusCode::kDataLoss, "seccomp hand-over: more than {} bytes",
                   kMaxDocument);
    if (!text_.empty() && IsWholeDocument(text_)) {
      VX_RETURN_IF_ERROR(Check(run_id, metadata));
      return true;
    }
    if (n == 0) return Error(absl::StatusCode::kDataLoss, "seccomp hand-over: it ended too early");
  }
}

absl::Status HandOver::Check(const std::string& run_id, const std::string& metadata) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(connection_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return ErrnoStatus(errno, "seccomp hand-over: peer");
  if (peer.uid != 0)
    return Error(absl::StatusCode::kPermissionDenied, "seccomp hand-over: from uid {}, not root",
                 peer.uid);
  VX_ASSIGN_OR_RETURN(const HandOverState state, ParseHandOver(text_));
  if (state.container_id != run_id || state.metadata != metadata)
    return Error(absl::StatusCode::kPermissionDenied,
                 "seccomp hand-over: it is for container \"{}\", not {}", state.container_id,
                 run_id);
  const auto name = std::find(state.fd_names.begin(), state.fd_names.end(), "seccompFd");
  const auto index = static_cast<std::size_t>(name - state.fd_names.begin());
  if (name == state.fd_names.end() || index >= received_.size())
    return Error(absl::StatusCode::kDataLoss, "seccomp hand-over: no descriptor seccompFd");
  filter_ = std::move(received_[index]);
  return absl::OkStatus();
}

}  // namespace vortex::sandbox
