// SPDX-License-Identifier: Apache-2.0
// A granted run reaches its hosts by way of its proxy, and nothing else by any way.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "base/files.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "integration/sandbox/sandbox_fixture.h"
#include "policy/policy.h"
#include "sandbox/egress.h"
#include "support/processes.h"

namespace vortex::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using sandbox::Cause;
using sandbox::SandboxResult;

// Answers every connection on the host's 127.0.0.1 with one small page, after `gate` (when given).
class PageServer {
 public:
  explicit PageServer(std::string text, std::function<void()> gate = {})
      : text_(std::move(text)), gate_(std::move(gate)) {
    listener_ = base::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    auto* address = reinterpret_cast<sockaddr*>(&name);
    EXPECT_EQ(::bind(listener_.get(), address, size), 0);
    EXPECT_EQ(::listen(listener_.get(), 16), 0);
    EXPECT_EQ(::getsockname(listener_.get(), address, &size), 0);
    port_ = ntohs(name.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~PageServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  int port() const { return port_; }
  int connections() const { return connections_; }

 private:
  void Serve() {
    while (true) {
      const base::UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) return;
      ++connections_;
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = ::recv(client.get(), buffer, sizeof buffer, 0);
        if (got <= 0) break;
        request.append(buffer, static_cast<std::size_t>(got));
      }
      if (gate_) gate_();
      const std::string response =
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(text_.size()) + "\r\n\r\n" + text_;
      (void)::send(client.get(), response.data(), response.size(), MSG_NOSIGNAL);
    }
  }

  std::string text_;
  std::function<void()> gate_;
  base::UniqueFd listener_;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

class Egress : public SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    if (IsSkipped()) return;
    char dir[] = "/tmp/vortex-egress-XXXXXX";
    ASSERT_NE(::mkdtemp(dir), nullptr);
    dir_ = dir;
  }
  void TearDown() override {
    if (!dir_.empty()) base::RemoveTree(dir_).IgnoreError();
    SandboxTest::TearDown();
  }

  // The fetcher with this network section.
  std::string FetcherFor(const std::string& id, const std::string& host, int port) {
    const std::string bundle = dir_ + "/" + id;
    fs::create_directories(bundle);
    fs::copy_file(fs::path(Plugin("fetcher")) / "main.py", bundle + "/main.py");
    std::ofstream(bundle + "/vortex-plugin.yaml")
        << "id: " << id << "\nversion: 1.0.0\nentrypoint: main:run\nlimits: {budget: 60s}\n"
        << "network: {allow: [{host: \"" << host << "\", port: " << port << "}]}\n";
    return bundle;
  }

  // A runner whose policy has this allow list, and whose names lead to the host's loopback.
  std::unique_ptr<sandbox::SandboxRunner> RunnerWith(const std::string& allow) {
    sandbox::EmbeddedOptions with = options();
    const auto policy = policy::ParsePolicy(
        "version: 1\nallow_untrusted: true\n"
        "untrusted: {runtime_classes: [runc, crun, gvisor, kata]}\n" +
            allow,
        "policy.yaml");
    EXPECT_TRUE(policy.ok()) << policy.status();
    if (policy.ok()) with.policy = *policy;
    with.egress.proxy_program =
        std::string(std::getenv("VORTEX_BINARY_DIR")) + "/bin/vortex-egress-proxy";
    with.egress.hosts = {{"ok.egress.test", {"127.0.0.1"}},
                         {"a.wild.egress.test", {"127.0.0.1"}},
                         {"private.egress.test", {"127.0.0.1"}}};
    with.egress.dns_servers = {"127.0.0.1:9"};
    auto runner = sandbox::CreateEmbeddedRunner(with);
    EXPECT_TRUE(runner.ok()) << runner.status();
    return runner.ok() ? *std::move(runner) : nullptr;
  }

  static std::string Allow(const std::string& plugin, const std::string& host, int port,
                           const std::string& ranges = "[127.0.0.1/32]") {
    return "allow: [{plugin: " + plugin +
           ", reason: test, expires: 2099-01-01, egress: [{host: \"" + host +
           "\", port: " + std::to_string(port) + "}]" +
           (ranges.empty() ? "" : ", address_ranges: " + ranges) + "}]\n";
  }

  static SandboxResult RunOn(sandbox::SandboxRunner& runner, const std::string& bundle,
                             const json& payload) {
    sandbox::RunRequest request;
    request.plugin = bundle;
    request.payload = payload.dump();
    const auto result = runner.Run(request);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : SandboxResult{};
  }

  static std::string Url(const std::string& host, int port, const std::string& path = "/") {
    return "http://" + host + ":" + std::to_string(port) + path;
  }

  std::string dir_;
};

const sandbox::Denial* FindDenial(const SandboxResult& result, const std::string& rule) {
  for (const sandbox::Denial& denial : result.denials) {
    if (denial.rule == rule) return &denial;
  }
  return nullptr;
}

// As JSON a list of pairs; braces alone would make an object of it.
using Targets = std::vector<std::pair<std::string, int>>;

// Another test program's proxies are not ours to end.
bool IsOurs(int pid) {
  const auto status = base::ReadFile("/proc/" + std::to_string(pid) + "/status", 1 << 16);
  return status.ok() &&
         status->find("\nPPid:\t" + std::to_string(::getpid()) + "\n") != std::string::npos;
}

TEST_F(Egress, ReachesWhatIsGrantedAndNothingElse) {
  const PageServer granted("from the host");
  const PageServer other("not for you");
  const auto runner = RunnerWith(Allow("fetcher", "ok.egress.test", granted.port()));
  const std::string bundle = FetcherFor("fetcher", "ok.egress.test", granted.port());
  const std::string good = Url("ok.egress.test", granted.port());
  const std::string bad = Url("evil.test", granted.port());
  const std::string bad_port = Url("ok.egress.test", other.port());
  const json payload = {
      {"urls", {good, bad, bad_port, Url("127.0.0.1", other.port())}},
      {"tcp", Targets{{"127.0.0.1", granted.port()},  // the host's loopback is another one
                      {"127.0.0.1", other.port()},
                      {"127.0.0.1", 3128},  // the positive control: a connection as such works
                      {"127.0.0.2", 3128},
                      {"::1", 3128},
                      {"192.0.2.1", 80},
                      {"10.0.0.1", 53},
                      {"2001:db8::1", 80}}}};
  const SandboxResult result = RunOn(*runner, bundle, payload);
  ASSERT_EQ(result.termination.cause, Cause::kOk) << Describe(result);
  const json value = json::parse(result.output);

  EXPECT_EQ(value["fetched"][good]["body"], "from the host") << value;
  const auto body = [&](const std::string& url) {
    EXPECT_EQ(value["fetched"][url]["status"], 403) << value;
    return json::parse(value["fetched"][url]["body"].get<std::string>());
  };
  EXPECT_EQ(body(bad)["rule"], "egress.host");
  EXPECT_EQ(body(bad)["host"], "evil.test");
  EXPECT_EQ(body(bad_port)["rule"], "egress.port");
  EXPECT_EQ(body(Url("127.0.0.1", other.port()))["rule"], "egress.host.literal");

  EXPECT_EQ(value["tcp"]["127.0.0.1:3128"], "ok");
  for (const auto& [target, outcome] : value["tcp"].items()) {
    if (target == "127.0.0.1:3128") continue;
    EXPECT_NE(outcome, "ok") << target;
  }
  EXPECT_EQ(value["interfaces"], json({"lo"}));
  EXPECT_EQ(granted.connections(), 1);
  EXPECT_EQ(other.connections(), 0);

  EXPECT_EQ(result.egress.problem, "");
  ASSERT_EQ(result.egress.hosts.size(), 1u);
  EXPECT_EQ(result.egress.hosts[0].host, "ok.egress.test");
  EXPECT_EQ(result.egress.hosts[0].connections, 1u);
  EXPECT_GT(result.egress.hosts[0].bytes_in, 13u);
  const sandbox::Denial* denial = FindDenial(result, "egress.host");
  ASSERT_NE(denial, nullptr);
  EXPECT_EQ(denial->witness, "proxy");
  EXPECT_EQ(denial->control, "network");
  EXPECT_EQ(denial->target, "evil.test:" + std::to_string(granted.port()));
  EXPECT_GT(denial->first_unix_ns, 0);
}

TEST_F(Egress, PrivateAddressNeedsItsRange) {
  const PageServer server("private");
  const auto runner = RunnerWith(Allow("fetcher", "private.egress.test", server.port(), ""));
  const std::string url = Url("private.egress.test", server.port());
  const SandboxResult result = RunOn(
      *runner, FetcherFor("fetcher", "private.egress.test", server.port()), {{"urls", {url}}});
  ASSERT_EQ(result.termination.cause, Cause::kOk) << Describe(result);
  EXPECT_NE(FindDenial(result, "egress.address"), nullptr);
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(Egress, TwoRunsAtOnceHaveTheirOwnLists) {
  const PageServer one("one"), two("two");
  const auto first = RunnerWith(Allow("first", "ok.egress.test", one.port()));
  const auto second = RunnerWith(Allow("second", "*.wild.egress.test", two.port()));
  const std::string url_one = Url("ok.egress.test", one.port());
  const std::string url_two = Url("a.wild.egress.test", two.port());
  const json payload = {{"urls", {url_one, url_two}}};
  const std::string bundle_one = FetcherFor("first", "ok.egress.test", one.port());
  const std::string bundle_two = FetcherFor("second", "*.wild.egress.test", two.port());
  auto other = std::async(std::launch::async, [&] { return RunOn(*second, bundle_two, payload); });
  const SandboxResult a = RunOn(*first, bundle_one, payload);
  const SandboxResult b = other.get();
  ASSERT_EQ(a.termination.cause, Cause::kOk) << Describe(a);
  ASSERT_EQ(b.termination.cause, Cause::kOk) << Describe(b);
  const json of_a = json::parse(a.output)["fetched"], of_b = json::parse(b.output)["fetched"];
  EXPECT_EQ(of_a[url_one]["body"], "one");
  EXPECT_EQ(of_a[url_two]["status"], 403);
  EXPECT_EQ(of_b[url_two]["body"], "two");
  EXPECT_EQ(of_b[url_one]["status"], 403);
}

TEST_F(Egress, KilledProxyFailsClosedAndIsTold) {
  // Killed while the plugin's first request is with the server.
  const PageServer server("late", [] {
    for (const int pid : AllPids()) {
      if (IsOurs(pid) && CommandLine(pid).starts_with("vortex-egress-proxy")) ::kill(pid, SIGKILL);
    }
  });
  const auto runner = RunnerWith(Allow("fetcher", "ok.egress.test", server.port()));
  const std::string url = Url("ok.egress.test", server.port());
  const SandboxResult result =
      RunOn(*runner, FetcherFor("fetcher", "ok.egress.test", server.port()),
            {{"urls", {url, url + "again"}}, {"tcp", Targets{{"127.0.0.1", 3128}}}});
  ASSERT_EQ(result.termination.cause, Cause::kOk) << Describe(result);
  const json value = json::parse(result.output);
  EXPECT_TRUE(value["fetched"][url].contains("error")) << value;
  EXPECT_TRUE(value["fetched"][url + "again"].contains("error")) << value;
  EXPECT_EQ(value["tcp"]["127.0.0.1:3128"], "ECONNREFUSED");
  EXPECT_NE(result.egress.problem.find("SIGKILL"), std::string::npos) << result.egress.problem;
}

TEST_F(Egress, NoEntryNoRun) {
  const auto runner = RunnerWith("");
  const SandboxResult result =
      RunOn(*runner, FetcherFor("fetcher", "ok.egress.test", 80), {{"urls", json::array()}});
  EXPECT_EQ(result.termination.cause, Cause::kPolicyDenied) << Describe(result);
}

TEST_F(Egress, NoProxyProgramNoRun) {
  sandbox::EmbeddedOptions with = options();
  with.policy = *policy::ParsePolicy(
      "version: 1\nallow_untrusted: true\nuntrusted: {runtime_classes: "
      "[runc, crun, gvisor, kata]}\n" +
          Allow("fetcher", "ok.egress.test", 80),
      "policy.yaml");
  with.egress.proxy_program = "/nonexistent/vortex-egress-proxy";
  const auto runner = sandbox::CreateEmbeddedRunner(with);
  ASSERT_TRUE(runner.ok()) << runner.status();
  const SandboxResult result =
      RunOn(**runner, FetcherFor("fetcher", "ok.egress.test", 80), {{"urls", json::array()}});
  EXPECT_EQ(result.termination.cause, Cause::kSandboxUnavailable) << Describe(result);
  EXPECT_NE(result.termination.message.find("/nonexistent/vortex-egress-proxy"), std::string::npos);
}

}  // namespace
}  // namespace vortex::testing
