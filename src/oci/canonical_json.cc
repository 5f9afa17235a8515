// SPDX-License-Identifier: Apache-2.0
#include "oci/canonical_json.h"

#include <nlohmann/json.hpp>

#include "base/sha256.h"

namespace vortex::oci {
namespace {

using Json = nlohmann::json;  // a std::map: keys are sorted

template <typename T, typename Convert>
Json List(const std::vector<T>& items, Convert convert) {
  Json out = Json::array();
  for (const T& item : items) out.push_back(convert(item));
  return out;
}

Json RlimitJson(const Rlimit& limit) {
  return {{"type", limit.type}, {"soft", limit.soft}, {"hard", limit.hard}};
}

Json ProcessJson(const Process& process) {
  const Capabilities& caps = process.capabilities;
  return {{"user", {{"uid", process.uid}, {"gid", process.gid}, {"umask", process.umask}}},
          {"args", process.args},
          {"env", process.env},
          {"cwd", process.cwd},
          {"capabilities",
           {{"bounding", caps.bounding},
            {"effective", caps.effective},
            {"inheritable", caps.inheritable},
            {"permitted", caps.permitted},
            {"ambient", caps.ambient}}},
          {"rlimits", List(process.rlimits, RlimitJson)},
          {"noNewPrivileges", process.no_new_privileges},
          {"oomScoreAdj", process.oom_score_adj},
          {"terminal", false}};
}

Json MountJson(const Mount& mount) {
  return {{"destination", mount.destination},
          {"type", mount.type},
          {"source", mount.source},
          {"options", mount.options}};
}

Json NamespaceJson(const Namespace& ns) {
  Json out = {{"type", ns.type}};
  if (!ns.path.empty()) out["path"] = ns.path;
  return out;
}

Json MappingJson(const IdMapping& mapping) {
  return {
      {"containerID", mapping.container_id}, {"hostID", mapping.host_id}, {"size", mapping.size}};
}

Json DeviceJson(const Device& device) {
  return {{"path", device.path},   {"type", device.type},          {"major", device.major},
          {"minor", device.minor}, {"fileMode", device.file_mode}, {"uid", device.uid},
          {"gid", device.gid}};
}

Json DeviceRuleJson(const DeviceRule& rule) {
  Json out = {{"allow", rule.allow}, {"access", rule.access}};
  if (!rule.type.empty()) out["type"] = rule.type;
  if (rule.major) out["major"] = *rule.major;
  if (rule.minor) out["minor"] = *rule.minor;
  return out;
}

Json ResourcesJson(const Resources& resources) {
  Json out = {{"devices", List(resources.devices, DeviceRuleJson)},
              {"memory", {{"limit", resources.memory_limit}}},
              {"cpu", {{"quota", resources.cpu_quota}, {"period", resources.cpu_period}}}};
  if (resources.memory_swap) out["memory"]["swap"] = *resources.memory_swap;
  if (resources.pids_limit) out["pids"] = {{"limit", *resources.pids_limit}};
  if (!resources.unified.empty()) out["unified"] = resources.unified;
  return out;
}

Json SeccompArgJson(const SeccompArg& arg) {
  return {{"index", arg.index}, {"value", arg.value}, {"valueTwo", arg.value_two}, {"op", arg.op}};
}

Json SeccompRuleJson(const SeccompRule& rule) {
  Json out = {{"names", rule.names}, {"action", rule.action}};
  if (rule.errno_ret) out["errnoRet"] = *rule.errno_ret;
  if (!rule.args.empty()) out["args"] = List(rule.args, SeccompArgJson);
  return out;
}

Json SeccompJson(const Seccomp& seccomp) {
  Json out = {{"defaultAction", seccomp.default_action},
              {"defaultErrnoRet", seccomp.default_errno_ret},
              {"architectures", seccomp.architectures},
              {"syscalls", List(seccomp.syscalls, SeccompRuleJson)}};
  if (!seccomp.listener_path.empty()) out["listenerPath"] = seccomp.listener_path;
  if (!seccomp.listener_metadata.empty()) out["listenerMetadata"] = seccomp.listener_metadata;
  return out;
}

Json SpecJson(const Spec& spec) {
  Json linux_part = {{"namespaces", List(spec.namespaces, NamespaceJson)},
                     {"resources", ResourcesJson(spec.resources)},
                     {"cgroupsPath", spec.cgroups_path},
                     {"rootfsPropagation", spec.rootfs_propagation}};
  if (!spec.uid_mappings.empty()) linux_part["uidMappings"] = List(spec.uid_mappings, MappingJson);
  if (!spec.gid_mappings.empty()) linux_part["gidMappings"] = List(spec.gid_mappings, MappingJson);
  if (!spec.devices.empty()) linux_part["devices"] = List(spec.devices, DeviceJson);
  if (!spec.masked_paths.empty()) linux_part["maskedPaths"] = spec.masked_paths;
  if (!spec.readonly_paths.empty()) linux_part["readonlyPaths"] = spec.readonly_paths;
  if (spec.seccomp) linux_part["seccomp"] = SeccompJson(*spec.seccomp);
  return {{"ociVersion", spec.oci_version},
          {"process", ProcessJson(spec.process)},
          {"root", {{"path", spec.root_path}, {"readonly", spec.root_readonly}}},
          {"hostname", spec.hostname},
          {"mounts", List(spec.mounts, MountJson)},
          {"annotations", spec.annotations},
          {"linux", std::move(linux_part)}};
}

}  // namespace

std::string ToCanonicalJson(const Spec& spec) { return SpecJson(spec).dump(); }

std::string ToPrettyJson(const Spec& spec) { return SpecJson(spec).dump(2) + "\n"; }

std::string SpecDigest(const Spec& spec) { return base::Sha256::Digest(ToCanonicalJson(spec)); }

}  // namespace vortex::oci
