// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cdi_spec.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/json_reader.h"
#include "base/status.h"
#include "policy/text.h"
#include "policy/units.h"
#include "policy/yaml_reader.h"

namespace vortex::sandbox {
namespace {

using policy::Quoted;
using policy::YamlField;

// Bounds of one file, far above what generators write.
constexpr std::size_t kMaxDevices = 256;
constexpr std::size_t kMaxItems = 1024;
constexpr std::size_t kMaxName = 200;
constexpr std::size_t kMaxArguments = 256;

// Versions, and what each brought.
constexpr std::array<std::string_view, 8> kVersions = {"0.3.0", "0.4.0", "0.5.0", "0.6.0",
                                                       "0.7.0", "0.8.0", "1.0.0", "1.1.0"};

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlnum(char c) { return IsLetter(c) || IsDigit(c); }

// Vendor, class (a letter first) and device names.
bool IsName(std::string_view name, std::string_view inner, bool letter_first) {
  if (name.empty() || name.size() > kMaxName || !IsAlnum(name.back())) return false;
  if (letter_first ? !IsLetter(name.front()) : !IsAlnum(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return IsAlnum(c) || inner.find(c) != std::string_view::npos; });
}

// A reader of one file, with what its version allows.
class SpecReader {
 public:
  explicit SpecReader(std::string_view file) : file_(file) {}

  absl::StatusOr<CdiSpec> Read(const YamlField& root) {
    VX_ASSIGN_OR_RETURN(const auto members, root.Members({"cdiVersion", "kind", "annotations",
                                                          "devices", "containerEdits"}));
    const YamlField* version = nullptr;
    const YamlField* kind = nullptr;
    const YamlField* devices = nullptr;
    for (const auto& member : members) {
      if (member.key == "cdiVersion") version = &member.value;
      if (member.key == "kind") kind = &member.value;
      if (member.key == "devices") devices = &member.value;
    }
    if (version == nullptr) return root.Bad("cdiVersion is missing; write for example \"0.6.0\"");
    if (kind == nullptr) return root.Bad("kind is missing; write for example nvidia.com/gpu");
    if (devices == nullptr) return root.Bad("devices is missing; a file defines at least one");
    VX_RETURN_IF_ERROR(ReadVersion(*version));
    VX_RETURN_IF_ERROR(ReadKind(*kind));
    CdiSpec spec;
    for (const auto& member : members) {
      if (member.key == "annotations") VX_RETURN_IF_ERROR(Since("0.6.0", member.value));
      if (member.key == "containerEdits")
        VX_RETURN_IF_ERROR(Take(spec.edits, ReadEdits(member.value)));
    }
    VX_RETURN_IF_ERROR(ReadDevices(*devices, spec));
    return spec;
  }

 private:
  // Without the column: the line is what a person looks for, the field says the rest.
  std::string At(const YamlField& field) const {
    return fmt::format("{}:{}: {}", file_, field.line(), field.path());
  }

  template <typename T, typename U>
  static absl::Status Take(T& into, absl::StatusOr<U> value) {
    if (!value.ok()) return value.status();
    into = *std::move(value);
    return absl::OkStatus();
  }

  absl::Status ReadVersion(const YamlField& field) {
    // Unquoted it is text to every reader, two dots make no number.
    VX_ASSIGN_OR_RETURN(std::string version, field.Scalar());
    if (version.starts_with('v')) version.erase(0, 1);
    const auto it = std::find(kVersions.begin(), kVersions.end(), version);
    if (it == kVersions.end()) {
      return field.Bad("{} is not a known version of CDI; {} to {} are", Quoted(version),
                       kVersions.front(), kVersions.back());
    }
    version_ = *it;
    return absl::OkStatus();
  }

  absl::Status ReadKind(const YamlField& field) {
    VX_ASSIGN_OR_RETURN(kind_, field.Text());
    const std::size_t slash = std::min(kind_.find('/'), kind_.size());
    const std::string_view vendor = std::string_view(kind_).substr(0, slash);
    const std::string_view name = std::string_view(kind_).substr(std::min(slash + 1, kind_.size()));
    if (!IsName(vendor, "_-.", true) || !IsName(name, "_-.", true))
      return field.Bad("{} is not VENDOR/CLASS, for example nvidia.com/gpu", Quoted(kind_));
    if (name.find('.') != std::string_view::npos) return Since("0.6.0", field);
    return absl::OkStatus();
  }

  absl::Status Since(std::string_view version, const YamlField& field) const {
    if (Index(version_) >= Index(version)) return absl::OkStatus();
    return field.Bad("is of CDI {} or later, but the file says cdiVersion {}", version, version_);
  }
  static std::ptrdiff_t Index(std::string_view version) {
    return std::find(kVersions.begin(), kVersions.end(), version) - kVersions.begin();
  }

  absl::Status ReadDevices(const YamlField& field, CdiSpec& spec) {
    VX_ASSIGN_OR_RETURN(const auto items, field.List(kMaxDevices));
    if (items.empty()) return field.Bad("is empty; a file defines at least one device");
    std::set<std::string> seen;
    for (const YamlField& item : items) {
      VX_ASSIGN_OR_RETURN(CdiSpecDevice device, ReadDevice(item));
      if (!seen.insert(device.name).second)
        return item.Bad("the device {} stands twice in this file", device.name);
      spec.devices.push_back(std::move(device));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<CdiSpecDevice> ReadDevice(const YamlField& field) {
    VX_ASSIGN_OR_RETURN(const auto members,
                        field.Members({"name", "annotations", "containerEdits"}));
    CdiSpecDevice device;
    device.where = fmt::format("{}:{}", file_, field.line());
    bool edits = false;
    for (const auto& [key, value] : members) {
      if (key == "annotations") VX_RETURN_IF_ERROR(Since("0.6.0", value));
      if (key == "containerEdits") {
        VX_ASSIGN_OR_RETURN(device.edits, ReadEdits(value));
        edits = true;
      }
      if (key != "name") continue;
      // Indexes are often written without quotes.
      VX_ASSIGN_OR_RETURN(const std::string name, value.Scalar());
      if (!IsName(name, "_-.:", false)) {
        return value.Bad(
            "{} is not a device name: letters, digits, _ - . and :, neither first nor "
            "last",
            Quoted(name));
      }
      if (!IsLetter(name.front())) VX_RETURN_IF_ERROR(Since("0.5.0", value));
      device.name = kind_ + "=" + name;
    }
    if (device.name.empty()) return field.Bad("name is missing");
    if (!edits) return field.Bad("containerEdits is missing: the device would be nothing");
    return device;
  }

  absl::StatusOr<oci::CdiEdits> ReadEdits(const YamlField& field) {
    VX_ASSIGN_OR_RETURN(const auto members,
                        field.Members({"env", "deviceNodes", "mounts", "hooks", "additionalGids",
                                       "intelRdt", "netDevices"}));
    oci::CdiEdits out;
    for (const auto& [key, value] : members) {
      if (key == "additionalGids")
        return value.Bad(
            "groups of the host mean nothing in a sandbox's user namespace; remove "
            "them, and let others use the node by an udev rule");
      if (key == "intelRdt" || key == "netDevices")
        return value.Bad("is not supported; remove it if the device works without");
      VX_ASSIGN_OR_RETURN(const auto items, value.List(kMaxItems));
      for (const YamlField& item : items) {
        if (key == "env") {
          VX_ASSIGN_OR_RETURN(std::string entry, item.Scalar());
          out.env.push_back({At(item), std::move(entry)});
        } else if (key == "deviceNodes") {
          VX_ASSIGN_OR_RETURN(oci::CdiDeviceNode node, ReadNode(item));
          out.device_nodes.push_back(std::move(node));
        } else if (key == "mounts") {
          VX_ASSIGN_OR_RETURN(oci::CdiMount mount, ReadMount(item));
          out.mounts.push_back(std::move(mount));
        } else {
          VX_ASSIGN_OR_RETURN(oci::CdiHook hook, ReadHook(item));
          out.hooks.push_back(std::move(hook));
        }
      }
    }
    return out;
  }

  absl::StatusOr<oci::CdiDeviceNode> ReadNode(const YamlField& field) {
    VX_ASSIGN_OR_RETURN(const auto members,
                        field.Members({"path", "hostPath", "type", "major", "minor", "fileMode",
                                       "permissions", "uid", "gid"}));
    oci::CdiDeviceNode node;
    node.where = At(field);
    for (const auto& [key, value] : members) {
      if (key == "hostPath") VX_RETURN_IF_ERROR(Since("0.5.0", value));
      if (key == "path") VX_RETURN_IF_ERROR(Take(node.path, ReadPath(value)));
      if (key == "hostPath") VX_RETURN_IF_ERROR(Take(node.host_path, ReadPath(value)));
      if (key == "type") VX_RETURN_IF_ERROR(Take(node.type, value.Text()));
      if (key == "permissions") VX_RETURN_IF_ERROR(Take(node.permissions, value.Scalar()));
      if (key == "major") VX_RETURN_IF_ERROR(Take(node.major, ReadNumber(value, (1 << 12) - 1)));
      if (key == "minor") VX_RETURN_IF_ERROR(Take(node.minor, ReadNumber(value, (1 << 20) - 1)));
      std::optional<std::int64_t> number;
      if (key == "fileMode" || key == "uid" || key == "gid")
        VX_RETURN_IF_ERROR(Take(number, ReadNumber(value, 0xffffffff)));
      if (key == "fileMode") node.file_mode = static_cast<std::uint32_t>(*number);
      if (key == "uid") node.uid = static_cast<std::uint32_t>(*number);
      if (key == "gid") node.gid = static_cast<std::uint32_t>(*number);
    }
    if (node.path.empty()) return field.Bad("path is missing");
    return node;
  }

  absl::StatusOr<oci::CdiMount> ReadMount(const YamlField& field) {
    VX_ASSIGN_OR_RETURN(const auto members,
                        field.Members({"hostPath", "containerPath", "type", "options"}));
    oci::CdiMount mount;
    mount.where = At(field);
    for (const auto& [key, value] : members) {
      if (key == "hostPath") VX_RETURN_IF_ERROR(Take(mount.host_path, ReadPath(value)));
      if (key == "containerPath") VX_RETURN_IF_ERROR(Take(mount.container_path, ReadPath(value)));
      if (key == "type") {
        VX_RETURN_IF_ERROR(Since("0.4.0", value));
        VX_ASSIGN_OR_RETURN(mount.type, value.Text());
      }
      if (key == "options") VX_RETURN_IF_ERROR(Take(mount.options, ReadStrings(value)));
    }
    if (mount.host_path.empty()) return field.Bad("hostPath is missing");
    if (mount.container_path.empty()) return field.Bad("containerPath is missing");
    return mount;
  }

  absl::StatusOr<oci::CdiHook> ReadHook(const YamlField& field) {
    constexpr std::array<std::string_view, 6> kNames = {
        "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"};
    VX_ASSIGN_OR_RETURN(const auto members,
                        field.Members({"hookName", "path", "args", "env", "timeout"}));
    oci::CdiHook hook;
    hook.where = At(field);
    for (const auto& [key, value] : members) {
      if (key == "hookName") VX_RETURN_IF_ERROR(Take(hook.name, value.Text()));
      if (key == "path") VX_RETURN_IF_ERROR(Take(hook.path, ReadPath(value)));
      if (key == "args") VX_RETURN_IF_ERROR(Take(hook.args, ReadStrings(value)));
      if (key == "env") VX_RETURN_IF_ERROR(ReadStrings(value).status());
      if (key == "timeout") VX_RETURN_IF_ERROR(ReadNumber(value, 1 << 30).status());
    }
    if (std::find(kNames.begin(), kNames.end(), hook.name) == kNames.end())
      return field.Bad("hookName {} is not a hook of OCI runtimes", Quoted(hook.name));
    if (hook.path.empty()) return field.Bad("path is missing");
    return hook;
  }

  absl::StatusOr<std::string> ReadPath(const YamlField& field) {
    VX_ASSIGN_OR_RETURN(std::string path, field.Text());
    if (!path.starts_with('/') || path.size() > 4095)
      return field.Bad("{} is not an absolute path", Quoted(path));
    return path;
  }

  absl::StatusOr<std::vector<std::string>> ReadStrings(const YamlField& field) {
    VX_ASSIGN_OR_RETURN(const auto items, field.List(kMaxArguments));
    std::vector<std::string> out;
    for (const YamlField& item : items) {
      VX_ASSIGN_OR_RETURN(std::string text, item.Scalar());
      out.push_back(std::move(text));
    }
    return out;
  }

  absl::StatusOr<std::int64_t> ReadNumber(const YamlField& field, std::int64_t most) {
    VX_ASSIGN_OR_RETURN(const std::string text, field.Number());
    // 0666 is 438 to YAML 1.1 and 666 to YAML 1.2.
    const auto number = policy::ParseCount(text);
    const bool octal = text.size() > 1 && text.front() == '0';
    if (!number.ok() || *number < 0 || *number > most || octal) {
      return field.Bad("{} is not a decimal number from 0 to {}{}", Quoted(text), most,
                       octal ? " (a mode of 0666 is 438)" : "");
    }
    return *number;
  }

  std::string_view file_;
  std::string_view version_;
  std::string kind_;
};

// JSON is YAML, which the reader with lines and fields reads. Well-formed JSON of bounded depth
// cannot harm yaml-cpp, however many brackets it has.
absl::Status CheckJson(std::string_view text, std::string_view file) {
  base::JsonReader json(text);
  json.Skip();
  if (json.Finish()) return absl::OkStatus();
  const std::string_view before = text.substr(0, std::min(json.offset(), text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  return InvalidArgument("{}:{}: is not JSON, and its name ends in .json", file, line);
}

}  // namespace

absl::StatusOr<CdiSpec> ParseCdiSpec(std::string_view text, std::string_view file) {
  std::size_t brackets = policy::kMaxBrackets;
  if (text.size() <= kMaxCdiBytes && file.ends_with(".json")) {
    VX_RETURN_IF_ERROR(CheckJson(text, file));
    brackets = kMaxCdiBytes;
  }
  VX_ASSIGN_OR_RETURN(const YAML::Node root, policy::LoadYaml(text, file, kMaxCdiBytes, brackets));
  return SpecReader(file).Read(YamlField(root, "", file));
}

}  // namespace vortex::sandbox
