// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "base/status.h"
#include "outcome.h"
#include "policy/policy.h"
#include "sandbox/operator_files.h"

namespace vortex::python {
namespace {

namespace py = pybind11;

// Never destroyed: a destructor that runs after the interpreter has gone would be wrong.
PyObject* error_type = nullptr;

template <typename T>
T Value(absl::StatusOr<T> value) {
  ThrowIfError(value.status());
  return *std::move(value);
}

template <typename T>
void Take(const py::dict& fields, const char* name, std::optional<T>& out) {
  if (fields.contains(name) && !fields[name].is_none()) out = fields[name].cast<T>();
}

}  // namespace

sandbox::EmbeddedOptions MakeOptions(const py::dict& fields) {
  sandbox::EmbeddedOptions out;
  std::string classes, watch = "all", default_class, audit_fsync, audit_on_full, cdi_dirs;
  const std::map<std::string, std::string*> texts = {
      {"address", &out.address},
      {"containerd_namespace", &out.containerd_namespace},
      {"state_dir", &out.state_dir},
      {"data_dir", &out.data_dir},
      {"image", &out.image},
      {"snapshotter", &out.snapshotter},
      {"cgroup_parent", &out.cgroup_parent},
      {"egress_proxy", &out.egress.proxy_program},
      {"cdi_dirs", &cdi_dirs},
      {"audit_dir", &out.audit.directory},
      {"runtime_classes", &classes},
      {"watch", &watch},
      {"audit_fsync", &audit_fsync},
      {"audit_on_full", &audit_on_full},
      {"default_class", &default_class}};
  for (const auto& [key, value] : fields) {
    const auto name = key.cast<std::string>();
    if (name == "policy") {
      out.policy = value.cast<const policy::Policy&>();
      continue;
    }
    const auto text = texts.find(name);
    if (text == texts.end()) throw py::key_error(name);
    *text->second = value.cast<std::string>();
  }
  out.watch = {watch == "network" || watch == "all", watch == "filesystem" || watch == "all"};
  if (!cdi_dirs.empty()) {
    out.cdi_dirs = std::vector<std::string>(absl::StrSplit(cdi_dirs, ':', absl::SkipEmpty()));
  }
  // They stand unless the policy names a log (sandbox::WithOperatorOptions).
  if (!audit_fsync.empty()) out.audit.fsync = Value(audit::ParseFsync(audit_fsync));
  if (!audit_on_full.empty()) out.audit.on_full = Value(audit::ParseOnFull(audit_on_full));
  out.classes = Value(sandbox::LoadClasses(classes));
  if (!default_class.empty()) {
    out.classes.default_class = Value(oci::ParseRuntimeClass(default_class));
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
  if (runtime_class) out.runtime_class = Value(oci::ParseRuntimeClass(*runtime_class));
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

void DefinePolicy(py::module_& module) {
  const auto ids = [](const auto& entries) {
    py::list out;
    for (const auto& entry : entries) out.append(entry.plugin);
    return out;
  };
  py::class_<policy::Policy>(module, "Policy")
      .def_readonly("file", &policy::Policy::file)
      .def_readonly("digest", &policy::Policy::digest)
      .def_readonly("allow_untrusted", &policy::Policy::allow_untrusted)
      .def_property_readonly("trusted", [ids](const policy::Policy& p) { return ids(p.trust); })
      .def_property_readonly("allowed", [ids](const policy::Policy& p) { return ids(p.allow); });
  module.def(
      "load_policy", [](const std::string& file) { return Value(sandbox::LoadPolicy(file)); },
      py::arg("file"));
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
