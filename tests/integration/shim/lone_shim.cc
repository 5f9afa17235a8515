// SPDX-License-Identifier: Apache-2.0
#include "integration/shim/lone_shim.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "containerd/ttrpc/ttrpc.pb.h"
#include "integration/shim/ctr_fixture.h"
#include "shim/files.h"

namespace vortex::shim::testing {

TtrpcPeer::TtrpcPeer(const std::string& socket, int seconds) {
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, socket.data(), std::min(socket.size(), sizeof name.sun_path - 1));
  const timeval limit{seconds, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0)
    fd_ = std::move(fd);
}

std::uint32_t TtrpcPeer::Send(const std::string& method, const std::string& payload,
                              const std::string& service) {
  ttrpc::Request request;
  request.set_service(service);
  request.set_method(method);
  request.set_payload(payload);
  const std::uint32_t stream = next_;
  next_ += 2;
  SendRaw(EncodeFrame(stream, kRequestFrame, request.SerializeAsString()));
  return stream;
}

void TtrpcPeer::SendRaw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

Reply TtrpcPeer::Receive(std::uint32_t* stream) {
  Reply reply;
  Frame frame;
  while (!decoder_.Next(&frame)) {
    char buffer[4096];
    const ssize_t count = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    if (count <= 0) return reply;
    decoder_.Feed(std::string_view(buffer, static_cast<std::size_t>(count)));
  }
  ttrpc::Response response;
  if (!response.ParseFromString(frame.payload)) return reply;
  *stream = frame.stream;
  return {true, response.status().code(), response.status().message(), response.payload()};
}

bool TtrpcPeer::AwaitClose() {
  char buffer[4096];
  ssize_t count = 0;
  while ((count = ::recv(fd_.get(), buffer, sizeof buffer, 0)) > 0) {
  }
  return count == 0 || errno == ECONNRESET;
}

LoneShim::LoneShim(const std::string& script, const std::string& event_sink)
    : event_sink_(event_sink) {
  char pattern[] = "/tmp/vortex-lone-XXXXXX";
  dir_ = ::mkdtemp(pattern);
  bundle_ = dir_ + "/task";
  ::mkdir(bundle_.c_str(), 0700);
  (void)WriteFileAtomic(bundle_ + "/config.json", R"({"linux":{"namespaces":[{"type":"pid"}]}})",
                        0644);
  // The globals are seven words; the pid file is behind its flag.
  (void)WriteFileAtomic(dir_ + "/runc",
                        "#!/bin/sh\nverb=$7; bundle=$PWD\nwhile [ $# -gt 0 ]; do case $1 in "
                        "--pid-file) pidfile=$2;; esac; "
                        "[ \"$1\" = --log ] && log=$2; shift; done\n" +
                            script + "\n",
                        0755);
}

LoneShim::~LoneShim() {
  if (const pid_t pid = shim(); pid > 0) ::kill(pid, SIGKILL);
  if (const std::string path = socket(); !path.empty()) ::unlink(path.c_str());
  // Processes of its "containers"; the bracket keeps the shell from finding itself.
  const auto init = ReadFile(bundle_ + "/init.pid", 64);
  if (init && ParseNumber(*init).value_or(0) > 1)
    ::kill(static_cast<pid_t>(*ParseNumber(*init)), SIGKILL);
  Shell("pkill -KILL -f '[/]" + dir_.substr(1) + "'");
  Shell("rm -rf " + dir_);
}

std::string LoneShim::Command(const std::string& action) const {
  return "cd " + bundle_ + " && " +
         (event_sink_.empty() ? "" : "TTRPC_ADDRESS=" + event_sink_ + " ") + "PATH=" + dir_ +
         ":$PATH " + binary_ + " -namespace lone -address " + dir_ +
         "/c.sock -publish-binary true -id task " + action + " < /dev/null";
}

std::string LoneShim::Start() {
  Output output = Shell(Command("start"));
  return output.code == 0 ? output.text : "failed: " + output.text;
}

std::string LoneShim::Delete() { return Shell(Command("-bundle " + bundle_ + " delete")).text; }

std::string LoneShim::socket() const {
  return ReadFile(bundle_ + "/address", 4096).value_or("unix://").substr(7);
}

pid_t LoneShim::shim() const {
  return ::atoi(Shell("pgrep -f -- '[-]id task -address " + dir_ + "/c.sock'").text.c_str());
}

containerd::task::v2::CreateTaskRequest LoneShim::CreateRequest() const {
  containerd::task::v2::CreateTaskRequest request;
  request.set_id("task");
  request.set_bundle(bundle_);
  return request;
}

}  // namespace vortex::shim::testing
