// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "containerd/ttrpc/ttrpc.pb.h"
#include "shim/log.h"

namespace vortex::shim {
namespace {

// A peer that sends but never reads is cut off here.
constexpr std::size_t kMaxPendingOut = 16 << 20;

bool PeerIsUs(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::geteuid() && peer.gid == ::getegid();
}

}  // namespace

TtrpcServer::TtrpcServer(base::EventLoop* loop, base::UniqueFd listener, Handler handler)
    : loop_(loop), listener_(std::move(listener)), handler_(std::move(handler)) {
  watch_ = loop_->Add(listener_.get(), EPOLLIN, [this](std::uint32_t) { Accept(); });
}

void TtrpcServer::Accept() {
  const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  base::UniqueFd owned(fd);
  if (!PeerIsUs(fd)) {
    Log(Level::kWarning, {"ttrpc: connection by another user refused"});
    return;
  }
  const std::uint64_t id = next_id_++;
  auto connection = std::make_unique<Connection>();
  connection->fd = std::move(owned);
  connection->watch =
      loop_->Add(fd, EPOLLIN, [this, id](std::uint32_t events) { OnEvent(id, events); });
  connections_[id] = std::move(connection);
}

void TtrpcServer::OnEvent(std::uint64_t id, std::uint32_t events) {
  const auto it = connections_.find(id);
  if (it == connections_.end()) return;
  Connection* connection = it->second.get();
  bool alive = true;
  if ((events & EPOLLOUT) != 0) alive = Write(connection);
  if (alive && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) alive = ReadInto(id, connection);
  // The caller has gone; what its calls began goes on.
  if (!alive) connections_.erase(id);
}

bool TtrpcServer::ReadInto(std::uint64_t id, Connection* connection) {
  char buffer[8192];
  // A few rounds a turn, so that one busy peer does not starve the others.
  for (int round = 0; round < 8; ++round) {
    const ssize_t count = ::read(connection->fd.get(), buffer, sizeof buffer);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    connection->decoder.Feed(std::string_view(buffer, static_cast<std::size_t>(count)));
    Frame frame;
    while (connection->decoder.Next(&frame)) OnFrame(id, connection, &frame);
    if (connection->closing) return false;
  }
  return true;
}

void TtrpcServer::OnFrame(std::uint64_t id, Connection* connection, Frame* frame) {
  // The Task service streams nothing, so data belongs to no known stream. Unknown types are
  // skipped.
  if (frame->type != kRequestFrame) return;
  const CallId call{id, frame->stream};
  if (frame->stream % 2 == 0 || frame->stream <= connection->last_stream) {
    return Reply(call,
                 InvalidArgument("stream id " + std::to_string(frame->stream) +
                                 " is even or not above the last"),
                 "");
  }
  connection->last_stream = frame->stream;
  if (frame->oversized) {
    return Reply(call, Error(Code::kResourceExhausted, "message exceeds 4194304 bytes"), "");
  }
  ttrpc::Request request;
  if (!request.ParseFromString(frame->payload)) {
    return Reply(call, InvalidArgument("request does not decode"), "");
  }
  handler_(Call{call, std::move(*request.mutable_service()), std::move(*request.mutable_method()),
                std::move(*request.mutable_payload())});
}

void TtrpcServer::Reply(const CallId& call, const Status& status, std::string_view payload) {
  const auto it = connections_.find(call.connection);
  if (it == connections_.end()) return;
  Connection* connection = it->second.get();
  ttrpc::Response response;
  if (status.ok()) {
    response.set_payload(payload.data(), payload.size());
  } else {
    response.mutable_status()->set_code(static_cast<int>(status.code));
    response.mutable_status()->set_message(status.message);
  }
  connection->out += EncodeFrame(call.stream, kResponseFrame, response.SerializeAsString());
  // Not removed here: Reply runs inside this connection's own read. Its next event does it.
  if (connection->out.size() > kMaxPendingOut || !Write(connection)) {
    connection->closing = true;
    connection->out.clear();
    ::shutdown(connection->fd.get(), SHUT_RDWR);
  }
}

bool TtrpcServer::Write(Connection* connection) {
  while (!connection->out.empty()) {
    const ssize_t count =
        ::send(connection->fd.get(), connection->out.data(), connection->out.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) return false;
    connection->out.erase(0, static_cast<std::size_t>(count));
  }
  connection->watch.Modify(connection->out.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
  return true;
}

void TtrpcServer::StopListening() {
  watch_.Reset();
  listener_.Reset();
}

bool TtrpcServer::Flushed() const {
  for (const auto& [id, connection] : connections_) {
    if (!connection->out.empty()) return false;
  }
  return true;
}

}  // namespace vortex::shim
