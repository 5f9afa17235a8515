// SPDX-License-Identifier: Apache-2.0
#include "egress/resolver.h"

#include <ares.h>
#include <netdb.h>

#include <cstring>
#include <optional>
#include <sstream>

#include "base/files.h"
#include "base/status.h"
#include "egress/host_name.h"

namespace vortex::egress {
namespace {

constexpr std::size_t kMaxHostsFile = 1 << 20;

Address FromSockaddr(const sockaddr* from) {
  Address out;
  if (from->sa_family == AF_INET6) {
    out.v6 = true;
    std::memcpy(out.bytes.data(), &reinterpret_cast<const sockaddr_in6*>(from)->sin6_addr, 16);
  } else {
    std::memcpy(out.bytes.data(), &reinterpret_cast<const sockaddr_in*>(from)->sin_addr, 4);
  }
  return out;
}

// One question under way. Lives until both the asker and c-ares have let go.
struct Question {
  explicit Question(asio::io_context& loop) : done(loop) {
    done.expires_at(std::chrono::steady_clock::time_point::max());
  }
  asio::steady_timer done;  // cancelled when the answer is there
  bool answered = false;
  int status = ARES_ECANCELLED;
  std::vector<Address> addresses;
};

void OnAnswer(void* arg, int status, int, ares_addrinfo* info) {
  const std::unique_ptr<std::shared_ptr<Question>> own(
      static_cast<std::shared_ptr<Question>*>(arg));
  Question& question = **own;
  question.answered = true;
  question.status = status;
  if (info != nullptr) {
    for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
      if (node->ai_family == AF_INET || node->ai_family == AF_INET6) {
        question.addresses.push_back(FromSockaddr(node->ai_addr));
      }
    }
    ares_freeaddrinfo(info);
  }
  question.done.cancel();
}

}  // namespace

// A descriptor of c-ares in our loop; c-ares owns and closes it.
class Resolver::Watched : public std::enable_shared_from_this<Watched> {
 public:
  Watched(Resolver* resolver, int fd)
      : resolver_(resolver), fd_(fd), descriptor_(resolver->loop_, fd) {}
  ~Watched() { Release(); }

  void Want(bool readable, bool writable) {
    readable_ = readable;
    writable_ = writable;
    if (readable && !reading_) Wait(asio::posix::stream_descriptor::wait_read, reading_);
    if (writable && !writing_) Wait(asio::posix::stream_descriptor::wait_write, writing_);
  }
  void Release() {
    if (!descriptor_.is_open()) return;
    resolver_ = nullptr;
    descriptor_.release();
  }

 private:
  void Wait(asio::posix::stream_descriptor::wait_type type, bool& waiting) {
    waiting = true;
    descriptor_.async_wait(type, [self = shared_from_this(), type, &waiting](ErrorCode error) {
      waiting = false;
      if (error || self->resolver_ == nullptr) return;
      Resolver* resolver = self->resolver_;
      const bool read = type == asio::posix::stream_descriptor::wait_read;
      ares_process_fd(resolver->channel_, read ? self->fd_ : ARES_SOCKET_BAD,
                      read ? ARES_SOCKET_BAD : self->fd_);
      if (self->resolver_ == nullptr) return;  // closed in there
      self->Want(self->readable_, self->writable_);
      resolver->ArmTimer();
    });
  }

  Resolver* resolver_;
  int fd_;
  asio::posix::stream_descriptor descriptor_;
  bool readable_ = false, writable_ = false, reading_ = false, writing_ = false;
};

Resolver::Resolver(asio::io_context& loop, const Config& config)
    : loop_(loop), timeout_(config.limits.resolve_timeout), timer_(loop) {}

Resolver::~Resolver() {
  if (channel_ != nullptr) ares_destroy(channel_);
}

absl::StatusOr<std::unique_ptr<Resolver>> Resolver::Create(asio::io_context& loop,
                                                           const Config& config) {
  std::unique_ptr<Resolver> out(new Resolver(loop, config));
  if (auto file = base::ReadFile("/etc/hosts", kMaxHostsFile); file.ok()) {
    out->hosts_ = ParseHostsFile(*file);
  }
  for (const auto& [name, list] : config.hosts) {
    std::vector<Address> addresses;
    for (const std::string& text : list) {
      if (const auto address = Address::Parse(text)) addresses.push_back(*address);
    }
    out->hosts_[name] = std::move(addresses);
  }
  ares_library_init(ARES_LIB_INIT_ALL);
  ares_options options{};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  options.timeout = static_cast<int>(std::max<std::int64_t>(1, out->timeout_.count() / 3));
  options.tries = 3;
  std::string lookups = "b";
  options.lookups = lookups.data();
  options.sock_state_cb_data = out.get();
  options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<Resolver*>(self)->OnSocketState(fd, readable != 0, writable != 0);
  };
  const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                   ARES_OPT_SOCK_STATE_CB;
  int status = ares_init_options(&out->channel_, &options, mask);
  if (status == ARES_SUCCESS && !config.dns_servers.empty()) {
    std::string list;
    for (const std::string& server : config.dns_servers) {
      list += (list.empty() ? "" : ",") + server;
    }
    status = ares_set_servers_ports_csv(out->channel_, list.c_str());
  }
  if (status != ARES_SUCCESS) {
    return Error(absl::StatusCode::kFailedPrecondition, "resolver: {}", ares_strerror(status));
  }
  return out;
}

void Resolver::OnSocketState(int fd, bool readable, bool writable) {
  const auto it = watched_.find(fd);
  if (!readable && !writable) {
    if (it == watched_.end()) return;
    it->second->Release();
    watched_.erase(it);
    return;
  }
  const std::shared_ptr<Watched> watched =
      it != watched_.end() ? it->second
                           : (watched_[fd] = std::make_shared<Watched>(this, static_cast<int>(fd)));
  watched->Want(readable, writable);
}

void Resolver::ArmTimer() {
  timeval left{};
  if (ares_timeout(channel_, nullptr, &left) == nullptr) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(std::chrono::seconds(left.tv_sec) +
                       std::chrono::microseconds(left.tv_usec + 1000));
  timer_.async_wait([this](ErrorCode error) {
    if (error) return;
    ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    ArmTimer();
  });
}

asio::awaitable<absl::StatusOr<std::vector<Address>>> Resolver::Resolve(std::string host) {
  if (const auto it = hosts_.find(host); it != hosts_.end()) co_return it->second;
  auto question = std::make_shared<Question>(loop_);
  question->done.expires_after(timeout_);
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, OnAnswer,
                   new std::shared_ptr<Question>(question));
  ArmTimer();
  // The answer may have been there at once; its cancel would have met no waiter.
  if (!question->answered) {
    ErrorCode error;
    co_await question->done.async_wait(asio::redirect_error(asio::use_awaitable, error));
  }
  if (!question->answered) {
    co_return Error(absl::StatusCode::kDeadlineExceeded, "no answer of the name servers in {} ms",
                    timeout_.count());
  }
  if (question->status != ARES_SUCCESS || question->addresses.empty()) {
    const bool absent = question->status == ARES_ENOTFOUND || question->status == ARES_ENODATA ||
                        question->status == ARES_SUCCESS;
    if (question->status == ARES_ETIMEOUT) {
      co_return Error(absl::StatusCode::kDeadlineExceeded, "no answer of the name servers");
    }
    co_return Error(absent ? absl::StatusCode::kNotFound : absl::StatusCode::kUnavailable, "{}",
                    absent ? "the name has no address" : ares_strerror(question->status));
  }
  co_return std::move(question->addresses);
}

std::map<std::string, std::vector<Address>> ParseHostsFile(const std::string& text) {
  std::map<std::string, std::vector<Address>> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string word;
    if (!(words >> word)) continue;
    const auto address = Address::Parse(word);
    if (!address) continue;
    while (words >> word) {
      if (const auto name = NormalizeHost(word)) out[*name].push_back(*address);
    }
  }
  return out;
}

}  // namespace vortex::egress
