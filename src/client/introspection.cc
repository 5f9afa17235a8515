// SPDX-License-Identifier: Apache-2.0
#include "client/introspection.h"

#include "client/connection.h"
#include "client/convert.h"
#include "containerd/services/introspection/v1/introspection.grpc.pb.h"

namespace vortex::client {

namespace api = containerd::services::introspection::v1;
using Stub = api::Introspection::Stub;

namespace {

Plugin ToPlugin(const api::Plugin& plugin) {
  Plugin out{.type = plugin.type(),
             .id = plugin.id(),
             .capabilities = {plugin.capabilities().begin(), plugin.capabilities().end()},
             .exports = FromProto(plugin.exports())};
  for (const auto& platform : plugin.platforms()) {
    out.platforms.push_back(platform.os() + "/" + platform.architecture());
    if (!platform.variant().empty()) out.platforms.back() += "/" + platform.variant();
  }
  if (plugin.has_init_err() && plugin.init_err().code() != 0)
    out.init_error = Error(static_cast<absl::StatusCode>(plugin.init_err().code()), "{}",
                           plugin.init_err().message());
  return out;
}

}  // namespace

absl::StatusOr<std::vector<Plugin>> Introspection::Plugins(const std::vector<std::string>& filters,
                                                           const CallOptions& options) {
  api::PluginsRequest request;
  Append(filters, request.mutable_filters());
  VX_ASSIGN_OR_RETURN(const auto response, connection_.Call(Repeat::kSafe, &Stub::Plugins, request,
                                                            options, "list containerd's plugins"));
  std::vector<Plugin> out;
  for (const auto& plugin : response.plugins()) out.push_back(ToPlugin(plugin));
  return out;
}

absl::StatusOr<ServerInfo> Introspection::Server(const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kSafe, &Stub::Server, google::protobuf::Empty(),
                                       options, "ask for the server's identity"));
  return ServerInfo{
      .uuid = response.uuid(), .pid = response.pid(), .pid_namespace = response.pidns()};
}

}  // namespace vortex::client
