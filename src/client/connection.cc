// SPDX-License-Identifier: Apache-2.0
#include "client/connection.h"

#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <array>

#include "client/socket_check.h"

namespace vortex::client {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// A restarted containerd listens again within a second or so; 1.6 s in all cover that, and a daemon
// that is gone for good is reported soon.
constexpr std::array kBackoff = {milliseconds(20),  milliseconds(40),  milliseconds(80),
                                 milliseconds(160), milliseconds(320), milliseconds(500),
                                 milliseconds(500)};

// How long Wake waits, and how often it looks whether it was cancelled.
constexpr milliseconds kReconnectLimit{2'000};
constexpr milliseconds kReconnectSlice{50};

// now + timeout must not overflow the clock.
constexpr milliseconds kLongest = std::chrono::hours(24 * 365);

// containerd refuses to send more than 16 MiB by default (max_send_message_size), but can be told
// to.
constexpr int kMaxReceiveBytes = 64 << 20;

// gRPC reads its target as a URI: '%', '#' and '?' in a path would change its meaning.
std::string UriPath(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '.' || c == '-' || c == '_' || c == '~';
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

bool Contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& socket_path) {
  grpc::ChannelArguments arguments;
  // Otherwise the :authority header is the percent-encoded path, which Go's HTTP/2 server refuses.
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
  arguments.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  arguments.SetMaxSendMessageSize(-1);
  // A restarted containerd is to be found at once, not after gRPC's default of up to two minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  // Two clients of one process do not share a connection, nor its backoff.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  return grpc::CreateCustomChannel("unix:" + UriPath(socket_path),
                                   grpc::InsecureChannelCredentials(), arguments);
}

Connection::Connection(std::shared_ptr<grpc::Channel> channel, std::string socket_path,
                       std::string containerd_namespace)
    : channel_(std::move(channel)),
      socket_path_(std::move(socket_path)),
      namespace_(std::move(containerd_namespace)) {}

void Connection::Wake(milliseconds limit, const base::Cancellation* cancel) const {
  grpc_connectivity_state state = channel_->GetState(/*try_to_connect=*/true);
  if (state != GRPC_CHANNEL_TRANSIENT_FAILURE || !CheckSocket(socket_path_).ok()) return;
  grpc::experimental::ChannelResetConnectionBackoff(channel_.get());
  const auto end = Clock::now() + std::min(limit, kReconnectLimit);
  while (state != GRPC_CHANNEL_READY && Clock::now() < end) {
    if (cancel != nullptr && cancel->cancelled()) return;
    channel_->WaitForStateChange(state, std::chrono::system_clock::now() + kReconnectSlice);
    state = channel_->GetState(/*try_to_connect=*/true);
  }
}

absl::Status Connection::Prepare(grpc::ClientContext& context, milliseconds timeout,
                                 const std::string& lease) const {
  // gRPC aborts the process on a header value with other bytes.
  if (!std::all_of(lease.begin(), lease.end(), [](char c) { return c > ' ' && c <= '~'; }))
    return InvalidArgument("lease {:?}: must be printable ASCII without spaces", lease);
  // gRPC would round it up and send the call.
  if (timeout <= milliseconds(0))
    return Error(absl::StatusCode::kDeadlineExceeded, "no time left, nothing was sent");
  context.set_deadline(std::chrono::system_clock::now() + std::min(timeout, kLongest));
  context.AddMetadata("containerd-namespace", namespace_);
  if (!lease.empty()) context.AddMetadata("containerd-lease", lease);
  return absl::OkStatus();
}

absl::Status Connection::Run(
    Repeat repeat, const CallOptions& options, std::string_view what,
    const std::function<grpc::Status(grpc::ClientContext&)>& attempt) const {
  const auto deadline = Clock::now() + std::clamp(options.timeout, milliseconds(0), kLongest);
  for (std::size_t tries = 0;; ++tries) {
    grpc::Status status;
    Wake(std::chrono::ceil<milliseconds>(deadline - Clock::now()), options.cancel);
    {
      CallScope scope(options);
      const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
      if (absl::Status prepared = Prepare(scope.context(), left, options.lease); !prepared.ok())
        return Annotate(prepared, what);
      scope.Arm();
      status = attempt(scope.context());
    }
    if (status.ok()) return absl::OkStatus();
    const bool again = repeat == Repeat::kSafe && tries < kBackoff.size() &&
                       status.error_code() == grpc::StatusCode::UNAVAILABLE &&
                       Clock::now() + kBackoff[tries] < deadline;
    if (!again || !base::Pause(kBackoff[tries], options.cancel)) {
      if (again) status = grpc::Status(grpc::StatusCode::CANCELLED, status.error_message());
      return ToStatus(status, options, what);
    }
  }
}

absl::Status ToStatus(const grpc::Status& status, const CallOptions& options,
                      std::string_view what) {
  if (status.ok()) return absl::OkStatus();
  // gRPC's codes and Abseil's have the same numbers.
  auto code = static_cast<absl::StatusCode>(status.error_code());
  const std::string& words = status.error_message();
  // The server learns of our deadline or cancellation too and may be the first to report it, as
  // Go's plain context error.
  if (code == absl::StatusCode::kUnknown && Contains(words, "context deadline exceeded"))
    code = absl::StatusCode::kDeadlineExceeded;
  if (code == absl::StatusCode::kUnknown && Contains(words, "context canceled"))
    code = absl::StatusCode::kCancelled;
  switch (code) {
    case absl::StatusCode::kDeadlineExceeded:
      return Error(code, "{}: no answer within {} ms, the outcome is unknown ({})", what,
                   options.timeout.count(), words);
    case absl::StatusCode::kCancelled:
      return Error(code, "{}: cancelled ({})", what, words);
    default:
      return Error(code, "{}: {}", what, words);
  }
}

}  // namespace vortex::client
