// SPDX-License-Identifier: Apache-2.0
// Private to the client: the one gRPC channel, and the one way every service makes a call.
// Thread-safe.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status.h"
#include "client/types.h"

namespace vortex::client {

// Whether a call may be sent again when containerd was not reachable (Unavailable). A call that
// changes something may have been carried out although its answer was lost, so it is never
// repeated.
enum class Repeat { kSafe, kNever };

// Opens the channel; nothing is sent yet. `socket_path` is an absolute path.
std::shared_ptr<grpc::Channel> OpenChannel(const std::string& socket_path);

// One attempt of one call: its context, and the tie to the caller's cancellation.
class CallScope {
 public:
  explicit CallScope(const CallOptions& options) : options_(options) {}

  grpc::ClientContext& context() { return context_; }

  // Lets options.cancel end the call from now on. Call after the context is filled in. `options`
  // outlives this object.
  void Arm() {
    if (options_.cancel != nullptr)
      guard_.emplace(options_.cancel->OnCancel([this] { context_.TryCancel(); }));
  }

 private:
  const CallOptions& options_;
  grpc::ClientContext context_;
  // After the context, so that no callback can run once the context is going away.
  std::optional<base::Cancellation::Guard> guard_;
};

class Connection {
 public:
  // `socket_path` is where `channel` leads to.
  Connection(std::shared_ptr<grpc::Channel> channel, std::string socket_path,
             std::string containerd_namespace);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // The stub of a service, made on first use. StubType is the generated …::Stub.
  template <typename StubType>
  StubType& Stub() {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<void>& slot = stubs_[std::type_index(typeid(StubType))];
    if (slot == nullptr) slot = std::make_shared<StubType>(channel_);
    return *static_cast<StubType*>(slot.get());
  }

  // A unary call. `what` is "<verb> <object> <name>" and starts the error message.
  template <typename StubType, typename Request, typename Response>
  absl::StatusOr<Response> Call(Repeat repeat,
                                grpc::Status (StubType::*method)(grpc::ClientContext*,
                                                                 const Request&, Response*),
                                const Request& request, const CallOptions& options,
                                std::string_view what) {
    StubType& stub = Stub<StubType>();
    Response response;
    absl::Status status = Run(repeat, options, what, [&](grpc::ClientContext& context) {
      response.Clear();
      return (stub.*method)(&context, request, &response);
    });
    if (!status.ok()) return status;
    return response;
  }

  // A call that answers with a stream: `on_message` gets each message. `restart` runs before every
  // attempt and forgets what an earlier one delivered. A status other than OK from `on_message`
  // ends the call and is what is returned.
  template <typename StubType, typename Request, typename Response>
  absl::Status CallStream(
      Repeat repeat,
      std::unique_ptr<grpc::ClientReader<Response>> (StubType::*method)(grpc::ClientContext*,
                                                                        const Request&),
      const Request& request, const CallOptions& options, std::string_view what,
      const std::function<void()>& restart,
      const std::type_identity_t<std::function<absl::Status(Response&)>>& on_message) {
    StubType& stub = Stub<StubType>();
    absl::Status stopped;
    absl::Status status = Run(repeat, options, what, [&](grpc::ClientContext& context) {
      if (restart) restart();
      const auto reader = (stub.*method)(&context, request);
      Response message;
      while (reader->Read(&message)) {
        stopped = on_message(message);
        if (stopped.ok()) continue;
        context.TryCancel();
        (void)reader->Finish();
        return grpc::Status::OK;
      }
      return reader->Finish();
    });
    return status.ok() ? stopped : status;
  }

  // The loop behind both: a fresh context an attempt, retries of reads, containerd's words.
  absl::Status Run(Repeat repeat, const CallOptions& options, std::string_view what,
                   const std::function<grpc::Status(grpc::ClientContext&)>& attempt) const;

  // A restarted containerd listens again before gRPC notices: it reconnects only while some call
  // polls, and lets calls fail meanwhile. So, when the channel is down and the socket is not, waits
  // until the channel is up, for at most 2 s. Every call starts with it. `cancel` may be null.
  void Wake(std::chrono::milliseconds limit, const base::Cancellation* cancel) const;

  // Sets deadline and metadata. For calls that do not go through Run.
  //   Errors  InvalidArgument: the lease's name cannot be sent; DeadlineExceeded: no time is left.
  absl::Status Prepare(grpc::ClientContext& context, std::chrono::milliseconds timeout,
                       const std::string& lease) const;

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::string socket_path_;
  const std::string namespace_;
  std::mutex mutex_;
  std::map<std::type_index, std::shared_ptr<void>> stubs_;
};

// "what: containerd's words" with containerd's code.
absl::Status ToStatus(const grpc::Status& status, const CallOptions& options,
                      std::string_view what);

}  // namespace vortex::client
