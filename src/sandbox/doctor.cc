// SPDX-License-Identifier: Apache-2.0
#include "sandbox/doctor.h"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <sstream>

#include "audit/log.h"
#include "base/files.h"
#include "base/status.h"
#include "client/client.h"
#include "sandbox/admission.h"
#include "sandbox/cdi_registry.h"
#include "sandbox/cgroup.h"
#include "sandbox/operator_options.h"
#include "sandbox/rootfs.h"
#include "sandbox/runtime_classes.h"

namespace vortex::sandbox {
namespace {

Check FromStatus(std::string name, const absl::Status& status, std::string detail,
                 std::string remedy) {
  Check check{std::move(name), status.ok(), true, std::move(detail), std::move(remedy)};
  if (!status.ok()) check.detail = Message(status);
  return check;
}

Check CheckRoot() {
  Check check{"privilege", ::geteuid() == 0, true, fmt::format("running as uid {}", ::geteuid()),
              "run as root: containerd, cgroups and user namespaces of other ids need it"};
  return check;
}

Check CheckKernel() {
  utsname name{};
  ::uname(&name);
  const std::string release = name.release;
  // openat2 is the newest system call that nothing can replace; pidfd_open is older (5.3).
  const auto probe = base::OpenFile("/", O_RDONLY | O_DIRECTORY);
  absl::Status status = probe.status();
  if (probe.ok()) status = base::OpenBeneath(probe->get(), "proc", O_RDONLY | O_DIRECTORY).status();
  return FromStatus("kernel", status, "Linux " + release, "use Linux 5.6 or newer (openat2)");
}

Check CheckUserNamespaces() {
  const auto limit = base::ReadFile("/proc/sys/user/max_user_namespaces", 64);
  Check check{"user namespaces", limit.ok() && std::atoi(limit->c_str()) > 0, true,
              limit.ok() ? "at most " + limit->substr(0, limit->find('\n'))
                         : std::string(Message(limit.status())),
              "set the sysctl user.max_user_namespaces to 15000 or more"};
  return check;
}

Check CheckCgroups() {
  const auto host = CgroupHost::Detect();
  return FromStatus("cgroups", host.status(),
                    host.ok() ? (host->v2() ? "version 2" : "version 1 (memory, cpu, pids)") : "",
                    "mount the missing controller, or boot with cgroup v2");
}

std::vector<Check> CheckContainerd(const EmbeddedOptions& options) {
  client::ConnectOptions connect;
  connect.address = options.address;
  connect.containerd_namespace = options.containerd_namespace;
  auto client = client::Client::Connect(connect);
  absl::Status status = client.status();
  std::string detail;
  if (client.ok()) {
    const auto version = (*client)->version().Get();
    status = version.status();
    if (version.ok()) detail = fmt::format("{} at {}", version->version, options.address);
  }
  std::vector<Check> out = {FromStatus(
      "containerd", status, detail,
      "start containerd, or name its socket with --address (a checkout has its own: `./dev up`)")};
  if (!status.ok()) return out;

  Check snapshotter{"snapshotter", false, true,
                    options.snapshotter + ": not a plugin of this containerd",
                    "choose another one with --snapshotter"};
  const auto plugins = (*client)->introspection().Plugins({"type==io.containerd.snapshotter.v1"});
  if (!plugins.ok()) snapshotter.detail = Message(plugins.status());
  for (const client::Plugin& plugin : plugins.ok() ? *plugins : std::vector<client::Plugin>()) {
    if (plugin.id != options.snapshotter) continue;
    snapshotter.ok = plugin.init_error.ok();
    snapshotter.detail = snapshotter.ok ? plugin.id : std::string(Message(plugin.init_error));
  }
  out.push_back(std::move(snapshotter));

  const auto image = (*client)->images().Get(options.image);
  out.push_back(FromStatus("image", image.status(), options.image,
                           "build and import it: vortexctl image build"));
  return out;
}

// What granted devices can be here. None is fine; a file that cannot be used is worth a look.
Check CheckDevices(const EmbeddedOptions& options) {
  const CdiRegistry registry = CdiRegistry::Read(options.cdi_dirs);
  Check check{"devices", registry.problems().empty(), false, "", "correct or remove the CDI file"};
  for (const auto& [name, device] : registry.devices())
    check.detail += fmt::format("{}{} ({})", check.detail.empty() ? "" : ", ", name, device.file);
  if (check.detail.empty())
    check.detail = fmt::format("none: no CDI file in {}", fmt::join(options.cdi_dirs, " or "));
  if (!check.ok) check.detail += fmt::format("; {}", fmt::join(registry.problems(), "; "));
  return check;
}

// Not required: the operator may not want one. One that is configured must work.
Check CheckAudit(const audit::AuditOptions& options) {
  Check check{"audit log", true, false, "none: runs leave no records",
              "name a directory with --audit-dir"};
  check.ok = !options.directory.empty();
  if (!check.ok) return check;
  audit::Log log(options);
  return FromStatus("audit log", log.Write({}, audit::Log::kBeginning).status(), options.directory,
                    "make room, or name another directory with --audit-dir");
}

// A plugin of one line in a directory of its own.
class ProbeBundle {
 public:
  ProbeBundle() {
    if (::mkdtemp(dir_) == nullptr) {
      status_ = ErrnoStatus(errno, fmt::format("directory {}", dir_));
      return;
    }
    made_ = true;
    // Whether it runs at all is asked, not how fast: a busy node may need longer than the 10 s that
    // a plugin gets by default. The time it took is told.
    Write("vortex-plugin.yaml",
          "id: vortex-doctor\nversion: 1.0.0\nentrypoint: main:run\nlimits: {budget: 30s}\n");
    Write("main.py", "def run(payload):\n    return payload\n");
  }
  ~ProbeBundle() {
    if (made_) base::RemoveTree(dir_).IgnoreError();
  }
  // Why there is none.
  const absl::Status& status() const { return status_; }
  std::string path() const { return dir_; }

 private:
  void Write(const char* name, const char* text) {
    status_.Update(base::WriteFileAtomic(path() + "/" + name, text, 0644));
  }
  absl::Status status_;
  bool made_ = false;
  char dir_[32] = "/tmp/vortex-doctor-XXXXXX";
};

// Whom the policy lets in, and whether the sandboxes that it names for strangers are here.
Check CheckPolicyFits(const EmbeddedOptions& options) {
  const policy::Policy& policy = options.policy;
  std::string detail = policy.file.empty() ? "built in (no policy file)" : policy.file;
  detail += policy.allow_untrusted ? ": untrusted plugins run in a sandbox"
                                   : ": untrusted plugins are refused";
  detail += fmt::format(", {} trust, {} allow and {} deny entries", policy.trust.size(),
                        policy.allow.size(), policy.deny.size());
  return FromStatus("policy", policy::CheckUntrustedHasSandbox(policy, ReadNodeFacts(options)),
                    detail, "make one of the classes ready, or change untrusted.runtime_classes");
}

// The probe is code of ours: the node is asked what it can do, not what its operator wants.
policy::Policy ProbePolicy() {
  policy::Policy policy = policy::BuiltInPolicy();
  policy::TrustEntry probe;
  probe.plugin = "vortex-doctor";
  probe.reason = "the node check's own probe";
  policy.trust = {probe};
  return policy;
}

Check CheckRuntimeClass(const EmbeddedOptions& options, SandboxRunner* runner,
                        oci::RuntimeClass runtime_class, base::Cancellation* cancel) {
  Check check;
  check.name = "runtime class " + std::string(oci::Name(runtime_class));
  check.required = runtime_class == options.classes.default_class;
  const auto binary = FindReady(options.classes, runtime_class);
  if (!binary.ok()) {
    check.detail = Message(binary.status());
    return check;
  }
  check.detail = ProgramVersion(*binary, cancel);
  check.remedy = "see docs/user/runtime-classes.md";
  if (check.detail.empty()) {
    check.detail = *binary + " does not answer to --version";
    return check;
  }
  if (runner == nullptr) {
    check.detail += " (not tried: containerd or the image is missing)";
    return check;
  }
  const ProbeBundle probe;
  if (!probe.status().ok()) {
    check.detail += ": " + std::string(Message(probe.status()));
    check.remedy = "make room in /tmp";
    return check;
  }
  RunRequest request;
  request.plugin = probe.path();
  request.payload = "42";
  request.runtime_class = runtime_class;
  request.cancel = cancel;
  const auto result = runner->Run(request);
  check.ok = result.ok() && result->termination.cause == Cause::kOk && result->output == "42";
  if (!result.ok())
    check.detail += ": " + std::string(Message(result.status()));
  else if (!check.ok)
    check.detail += ": " + result->termination.message;
  else
    check.detail += fmt::format(", a plugin ran in {} ms", result->total.count() / 1000);
  return check;
}

}  // namespace

std::vector<Check> CheckNode(const EmbeddedOptions& options, base::Cancellation* cancel) {
  std::vector<Check> out = {CheckRoot(),
                            CheckKernel(),
                            CheckUserNamespaces(),
                            CheckCgroups(),
                            CheckPolicyFits(options),
                            CheckDevices(options),
                            CheckAudit(WithOperatorOptions(options).audit)};
  for (Check& check : CheckContainerd(options)) out.push_back(std::move(check));
  bool ready = true;
  for (const Check& check : out)
    ready = ready && (check.ok || !check.required || check.name == "policy");
  absl::StatusOr<std::unique_ptr<SandboxRunner>> runner = nullptr;
  EmbeddedOptions probing = options;
  probing.policy = ProbePolicy();
  if (ready) runner = CreateEmbeddedRunner(probing);
  for (const RuntimeClassInfo& row : options.classes.rows) {
    if (cancel != nullptr && cancel->cancelled()) break;
    out.push_back(CheckRuntimeClass(options, runner.ok() ? runner->get() : nullptr,
                                    row.runtime_class, cancel));
  }
  return out;
}

}  // namespace vortex::sandbox
