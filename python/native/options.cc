// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <cerrno>
#include <string>

#include "base/files.h"
#include "base/status.h"
#include "outcome.h"
#include "policy/policy.h"

namespace vortex::python {
namespace {

namespace py = pybind11;

// Never destroyed: a destructor that runs after the interpreter has gone would be wrong.
PyObject* error_type = nullptr;

void SetPolicy(const py::tuple& text_and_file, sandbox::EmbeddedOptions& options) {
  const auto file = text_and_file[1].cast<std::string>();
  auto policy = policy::ParsePolicy(text_and_file[0].cast<std::string>(), file);
  ThrowIfError(policy.status());
  options.policy = *std::move(policy);
}

void SetAudit(const py::dict& fields, sandbox::EmbeddedOptions& options) {
  audit::AuditOptions& audit = options.audit;
  const policy::AuditPolicy& said = options.policy.audit;
  audit.directory = said.directory;
  audit.segment_bytes = static_cast<std::uint64_t>(said.segment_bytes);
  audit.segment_age = std::chrono::duration_cast<std::chrono::seconds>(said.segment_age);
  audit.fsync = said.fsync == policy::AuditPolicy::Fsync::kAlways  ? audit::Fsync::kAlways
                : said.fsync == policy::AuditPolicy::Fsync::kNever ? audit::Fsync::kNever
                                                                   : audit::Fsync::kInterval;
  audit.on_full = said.on_full == policy::AuditPolicy::OnFull::kFailOpen
                      ? audit::OnFull::kFailOpen
                      : audit::OnFull::kFailClosed;
  if (fields.contains("audit_dir")) audit.directory = fields["audit_dir"].cast<std::string>();
  if (fields.contains("audit_fsync")) {
    const auto fsync = audit::ParseFsync(fields["audit_fsync"].cast<std::string>());
    ThrowIfError(fsync.status());
    audit.fsync = *fsync;
  }
  if (fields.contains("audit_on_full")) {
    const auto on_full = audit::ParseOnFull(fields["audit_on_full"].cast<std::string>());
    ThrowIfError(on_full.status());
    audit.on_full = *on_full;
  }
}

void SetClasses(const std::string& file, sandbox::EmbeddedOptions& options) {
  const auto text = base::ReadFile(file, sandbox::kMaxClassesBytes);
  ThrowIfError(text.status());
  auto classes = sandbox::ParseClasses(*text, file);
  ThrowIfError(classes.status());
  options.classes = *std::move(classes);
}

template <typename T>
void Take(const py::dict& fields, const char* name, std::optional<T>& out) {
  if (fields.contains(name) && !fields[name].is_none()) out = fields[name].cast<T>();
}

}  // namespace

sandbox::EmbeddedOptions MakeOptions(const py::dict& fields) {
  sandbox::EmbeddedOptions out;
  std::string default_class;
  for (const auto& [key, value] : fields) {
    const auto name = key.cast<std::string>();
    if (name == "address") {
      out.address = value.cast<std::string>();
    } else if (name == "containerd_namespace") {
      out.containerd_namespace = value.cast<std::string>();
    } else if (name == "state_dir") {
      out.state_dir = value.cast<std::string>();
    } else if (name == "data_dir") {
      out.data_dir = value.cast<std::string>();
    } else if (name == "image") {
      out.image = value.cast<std::string>();
    } else if (name == "snapshotter") {
      out.snapshotter = value.cast<std::string>();
    } else if (name == "cgroup_parent") {
      out.cgroup_parent = value.cast<std::string>();
    } else if (name == "runtime_classes") {
      SetClasses(value.cast<std::string>(), out);
    } else if (name == "policy") {
      SetPolicy(value.cast<py::tuple>(), out);
    } else if (name == "watch") {
      const auto kinds = value.cast<std::string>();
      out.watch = {kinds == "network" || kinds == "all", kinds == "filesystem" || kinds == "all"};
    } else if (name == "audit_dir" || name == "audit_fsync" || name == "audit_on_full") {
      // After the policy.
    } else if (name == "default_class") {
      default_class = value.cast<std::string>();
    } else {
      throw py::key_error(name);
    }
  }
  SetAudit(fields, out);
  if (!default_class.empty()) {
    const auto parsed = oci::ParseRuntimeClass(default_class);
    ThrowIfError(parsed.status());
    out.classes.default_class = *parsed;
  }
  return out;
}

sandbox::RunRequest MakeRequest(const py::dict& fields) {
  sandbox::RunRequest out;
  out.called = std::chrono::steady_clock::now();
  out.plugin = fields["plugin"].cast<std::string>();
  out.plugin_id = fields["plugin_id"].cast<std::string>();
  out.payload = fields["payload"].cast<std::string>();
  if (!fields["traceparent"].is_none()) out.traceparent = fields["traceparent"].cast<std::string>();
  std::optional<std::int64_t> budget_ms;
  std::optional<std::string> runtime_class;
  Take(fields, "budget_ms", budget_ms);
  Take(fields, "runtime_class", runtime_class);
  if (budget_ms) out.limits.budget = std::chrono::milliseconds(*budget_ms);
  if (runtime_class) {
    const auto parsed = oci::ParseRuntimeClass(*runtime_class);
    ThrowIfError(parsed.status());
    out.runtime_class = *parsed;
  }
  Take(fields, "memory_bytes", out.limits.memory_bytes);
  Take(fields, "millicpus", out.limits.millicpus);
  Take(fields, "pids", out.limits.pids);
  Take(fields, "tmp_bytes", out.limits.tmp_bytes);
  Take(fields, "output_bytes", out.limits.output_bytes);
  return out;
}

py::dict ManifestDict(const policy::Manifest& manifest) {
  py::dict out;
  out["id"] = manifest.id;
  out["version"] = manifest.version;
  out["description"] = manifest.description;
  out["entrypoint"] = py::none();
  if (manifest.entrypoint) {
    out["entrypoint"] = manifest.entrypoint->module + ":" + manifest.entrypoint->function;
  }
  py::list command, network, capabilities, gpus;
  for (const auto& word : manifest.command) command.append(word);
  for (const auto& rule : manifest.network) {
    network.append(rule.host + ":" + std::to_string(rule.port));
  }
  for (const auto& name : manifest.capabilities) capabilities.append(name);
  for (const auto& name : manifest.gpus) gpus.append(name);
  out["command"] = command;
  out["network"] = network;
  out["capabilities"] = capabilities;
  out["gpus"] = gpus;
  return out;
}

py::dict PolicyDict(const std::string& text, const std::string& file) {
  py::dict out;
  const auto policy = policy::ParsePolicy(text, file);
  ThrowIfError(policy.status());
  py::list trusted, allowed;
  for (const auto& entry : policy->trust) trusted.append(entry.plugin);
  for (const auto& entry : policy->allow) allowed.append(entry.plugin);
  out["digest"] = policy->digest;
  out["allow_untrusted"] = policy->allow_untrusted;
  out["trusted"] = trusted;
  out["allowed"] = allowed;
  return out;
}

void ThrowIfError(const absl::Status& status) {
  if (status.ok()) return;
  const py::tuple args = py::make_tuple(CodeName(status.code()), std::string(Message(status)));
  PyErr_SetObject(error_type, args.ptr());
  throw py::error_already_set();
}

void DefineError(py::module_& module) {
  error_type = PyErr_NewExceptionWithDoc("vortex_sandbox._native.Error", "args: (code, message)",
                                         PyExc_Exception, nullptr);
  if (error_type == nullptr) throw py::error_already_set();
  module.add_object("Error", py::reinterpret_borrow<py::object>(error_type));
}

}  // namespace vortex::python
