// SPDX-License-Identifier: Apache-2.0
#include "integration/sandbox/sandbox_fixture.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/cancellation.h"
#include "base/files.h"
#include "base/status.h"
#include "client/import.h"
#include "sandbox/cgroup.h"
#include "sandbox/result_json.h"
#include "support/crun_wrapper.h"
#include "support/processes.h"
#include "support/sanitizer_reports.h"

namespace vortex::testing {
namespace {

namespace fs = std::filesystem;

// Untrusted plugins run, in any class; they are what is tested.
constexpr char kPolicy[] =
    "version: 1\nallow_untrusted: true\n"
    "untrusted: {runtime_classes: [runc, crun, gvisor, kata]}\n";

// Of the class matrix, by case.
std::map<std::string, std::string> cells;

std::size_t CountEntries(const std::string& dir) {
  std::error_code error;
  std::size_t count = 0;
  for (auto it = fs::directory_iterator(dir, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    ++count;
  }
  return count;
}

std::size_t CountDirectories(const std::string& dir) {
  std::error_code error;
  std::size_t count = 0;
  for (auto it = fs::directory_iterator(dir, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    count += it->is_directory(error) ? 1 : 0;
  }
  return count;
}

std::size_t CountLines(const std::string& path, const std::string& part) {
  std::ifstream file(path);
  std::size_t count = 0;
  for (std::string line; std::getline(file, line);)
    count += line.find(part) != std::string::npos ? 1 : 0;
  return count;
}

// Processes whose command line has `part`: our shims carry the socket's path.
std::size_t CountProcesses(const std::string& part) {
  const std::vector<int> pids = AllPids();
  return static_cast<std::size_t>(std::count_if(pids.begin(), pids.end(), [&](int pid) {
    const std::string text = CommandLine(pid);
    return text.find("containerd-shim") != std::string::npos &&
           text.find(part) != std::string::npos;
  }));
}

class Node : public ::testing::Environment {
  void SetUp() override { SandboxTest::StartNode(); }
  void TearDown() override { SandboxTest::StopNode(); }
};

[[maybe_unused]] ::testing::Environment* const node = ::testing::AddGlobalTestEnvironment(new Node);

}  // namespace

std::unique_ptr<PrivateContainerd> SandboxTest::containerd_;
std::unique_ptr<sandbox::SandboxRunner> SandboxTest::runner_;
sandbox::EmbeddedOptions SandboxTest::options_;

oci::RuntimeClass SandboxTest::ClassUnderTest() {
  const char* name = std::getenv("VORTEX_TEST_CLASS");
  return name != nullptr ? *oci::ParseRuntimeClass(name) : oci::RuntimeClass::kRunc;
}

void SandboxTest::UseCrunWrapper() {
  const auto crun = CrunForThisHost(containerd_->dir());
  ASSERT_TRUE(crun.ok()) << crun.status();
  for (sandbox::RuntimeClassInfo& row : options_.classes.rows)
    if (row.runtime_class == oci::RuntimeClass::kCrun) row.binary = *crun;
}

void SandboxTest::StartNode() {
  if (!WhyNoContainerd().empty()) return;
  // containerd looks for shims in its PATH; what their sanitizers say would go to /dev/null.
  const std::string bin = std::string(std::getenv("VORTEX_BINARY_DIR")) + "/bin";
  ::setenv("PATH", (bin + ":" + std::getenv("PATH")).c_str(), 1);
  CollectSanitizerReports();
  auto containerd = PrivateContainerd::Start();
  ASSERT_TRUE(containerd.ok()) << containerd.status();
  containerd_ = *std::move(containerd);
  options_.address = containerd_->address();
  options_.state_dir = containerd_->dir() + "/run";
  options_.data_dir = containerd_->dir() + "/data";
  options_.image = "vortex.local/python:test";
  options_.classes.default_class = ClassUnderTest();
  // A file, for vortexctl.
  const std::string policy = containerd_->dir() + "/policy.yaml";
  ASSERT_TRUE(base::WriteFileAtomic(policy, kPolicy, 0644).ok());
  const auto parsed = policy::ParsePolicy(kPolicy, policy);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  options_.policy = *parsed;
  if (ClassUnderTest() == oci::RuntimeClass::kCrun) UseCrunWrapper();
  // Of our own: another test program, or a ./dev run, may be at work at the same time.
  options_.cgroup_parent = "/vortex-test-" + fs::path(containerd_->dir()).filename().string();
  client::ConnectOptions connect;
  connect.address = options_.address;
  connect.containerd_namespace = options_.containerd_namespace;
  auto client = client::Client::Connect(connect);
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->namespaces().Create({options_.containerd_namespace, {}}).ok());
  const char* layout = std::getenv("VORTEX_TEST_IMAGE");
  ASSERT_NE(layout, nullptr) << "VORTEX_TEST_IMAGE must name the image layout; run this by ctest";
  client::ImportOptions import;
  import.name = options_.image;
  const auto images = client::ImportImage(**client, layout, import);
  ASSERT_TRUE(images.ok()) << images.status();
  auto runner = sandbox::CreateEmbeddedRunner(options_);
  ASSERT_TRUE(runner.ok()) << runner.status();
  runner_ = *std::move(runner);
  // The first run makes the view of the image, which stays.
  ASSERT_TRUE(runner_->Run({.plugin = Plugin("echo")}).ok());
}

void SandboxTest::Judge(const std::string& what, const std::string& outcome, bool as_runc) {
  cells[what] = outcome;
  static const nlohmann::json differences =
      nlohmann::json::parse(*base::ReadFile(std::string(std::getenv("VORTEX_SOURCE_DIR")) +
                                                "/tests/integration/sandbox/class_differences.json",
                                            1 << 20));
  const std::string name(oci::Name(ClassUnderTest()));
  for (const nlohmann::json& row : differences.value(name, nlohmann::json::array())) {
    if (row["what"] != what) continue;
    EXPECT_EQ(row["outcome"], outcome) << name << ", " << what;
    EXPECT_FALSE(as_runc) << name << ", " << what << ": no difference any more";
    return;
  }
  EXPECT_TRUE(as_runc) << name << ", " << what << ": " << outcome;
}

void SandboxTest::JudgeCause(const std::string& what, const sandbox::SandboxResult& result,
                             sandbox::Cause of_runc) {
  const sandbox::Cause cause = result.termination.cause;
  Judge("cause of " + what, std::string(sandbox::CauseName(cause)), cause == of_runc);
  if (cause != of_runc) std::printf("%s: %s\n", what.c_str(), Describe(result).c_str());
}

void SandboxTest::StopNode() {
  // Only a whole run may write the column of its class.
  if (::testing::GTEST_FLAG(filter) == "*" && !cells.empty()) {
    const std::string dir = std::string(std::getenv("VORTEX_BINARY_DIR")) + "/class-matrix";
    (void)base::MakeDirs(dir, 0755);
    (void)base::WriteFileAtomic(dir + "/" + std::string(oci::Name(ClassUnderTest())) + ".json",
                                nlohmann::json(cells).dump(), 0644);
  }
  if (!containerd_) return;
  runner_.reset();
  containerd_.reset();
  // A runtime makes it in every hierarchy, also in those without a controller that we use.
  ::rmdir(("/sys/fs/cgroup" + options_.cgroup_parent).c_str());
  std::error_code error;
  for (const auto& hierarchy : fs::directory_iterator("/sys/fs/cgroup", error))
    ::rmdir((hierarchy.path().string() + options_.cgroup_parent).c_str());
}

bool SandboxTest::AwaitCensus(const std::function<bool(const Census&)>& condition) {
  for (int i = 0; i < 200; ++i) {
    if (condition(TakeCensus())) return true;
    base::Pause(std::chrono::milliseconds(50), nullptr);
  }
  return false;
}

void SandboxTest::SetUp() {
  SKIP_WITHOUT_CONTAINERD();
  ASSERT_NE(runner_, nullptr);
  AwaitCensus([](const Census& now) { return now.at("shims") == 0; });
  before_ = TakeCensus();
}

void SandboxTest::TearDown() {
  if (!runner_ || IsSkipped()) return;
  // A shim ends after the answer to its last call.
  EXPECT_TRUE(AwaitCensus([this](const Census& now) { return now == before_; }));
  EXPECT_EQ(TakeCensus(), before_) << "something was left behind";
  EXPECT_EQ(TakeSanitizerReports(), "");
}

std::string SandboxTest::Plugin(const std::string& name) {
  return std::string(std::getenv("VORTEX_SOURCE_DIR")) + "/tests/plugins/" + name;
}

sandbox::SandboxResult SandboxTest::Run(const std::string& plugin, const nlohmann::json& payload,
                                        const policy::LimitRequest& limits) {
  sandbox::RunRequest request;
  request.plugin = Plugin(plugin);
  request.payload = payload.dump();
  request.limits = limits;
  auto result = runner().Run(request);
  EXPECT_TRUE(result.ok()) << result.status();
  if (!result.ok()) return {};
  EXPECT_TRUE(result->leftovers.empty()) << result->leftovers.front();
  return *std::move(result);
}

nlohmann::json SandboxTest::Value(const std::string& plugin, const nlohmann::json& payload) {
  const sandbox::SandboxResult result = Run(plugin, payload);
  EXPECT_EQ(result.termination.cause, sandbox::Cause::kOk) << Describe(result);
  return nlohmann::json::parse(result.output, nullptr, false);
}

Census SandboxTest::TakeCensus() {
  Census census;
  client::ConnectOptions connect;
  connect.address = options_.address;
  connect.containerd_namespace = options_.containerd_namespace;
  auto client = client::Client::Connect(connect);
  EXPECT_TRUE(client.ok()) << client.status();
  if (!client.ok()) return census;
  const auto containers = (*client)->containers().List({});
  const auto tasks = (*client)->tasks().List();
  const auto snapshots = (*client)->snapshots().List(options_.snapshotter);
  const auto leases = (*client)->leases().List();
  EXPECT_TRUE(containers.ok() && tasks.ok() && snapshots.ok() && leases.ok());
  census["containers"] = containers->size();
  census["tasks"] = tasks->size();
  census["snapshots"] = snapshots->size();
  census["leases"] = leases->size();
  census["mounts"] = CountLines("/proc/self/mountinfo", containerd_->dir());
  census["run directories"] = CountEntries(options_.state_dir + "/runs");
  census["runtime states"] =
      CountEntries(options_.state_dir + "/runtime/" + std::string(oci::Name(ClassUnderTest())) +
                   "/" + options_.containerd_namespace);
  census["shims"] = CountProcesses(options_.address);
  const auto host = sandbox::CgroupHost::Detect();
  std::size_t cgroups = 0;
  for (const std::string& root : host->Roots())
    cgroups += CountDirectories(root + options_.cgroup_parent);
  census["cgroups"] = cgroups;
  return census;
}

std::string Describe(const sandbox::SandboxResult& result) {
  return sandbox::ResultToJson(result).substr(0, 4000);
}

}  // namespace vortex::testing
