// SPDX-License-Identifier: Apache-2.0
#include "client/import/json_model.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "nlohmann/json.hpp"

#include "base/sha256.h"
#include "base/status.h"
#include "client/import/archive_path.h"
#include "client/import/limits.h"
#include "client/import/media_types.h"

namespace vortex::client::importing {
namespace {

using Json = nlohmann::json;

// Counted before the parser runs: a value tree costs memory at every level, and recursion later on.
bool TooDeep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxJsonDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

// A value with the way to it, so that every error names its place. Reads never throw.
class Node {
 public:
  Node(const Json* value, std::string where) : value_(value), where_(std::move(where)) {}

  // JSON null counts as absent: Go writes it for empty slices.
  bool present() const { return value_ != nullptr && !value_->is_null(); }

  Node operator[](const std::string& key) const {
    const Json* child = nullptr;
    if (present() && value_->is_object()) {
      if (const auto it = value_->find(key); it != value_->end()) child = &*it;
    }
    return Node(child, where_ + (where_.back() == ':' ? " " : ".") + key);
  }

  absl::Status Bad(std::string_view why) const {
    return InvalidArgument("{}{} {}", where_, where_.back() == ':' ? "" : ":", why);
  }

  absl::Status NeedObject() const {
    if (!present()) return Bad("missing");
    return value_->is_object() ? absl::OkStatus() : Bad("must be an object");
  }

  absl::StatusOr<std::string> String() const {
    if (!present()) return Bad("missing");
    if (!value_->is_string()) return Bad("must be a string");
    return value_->get_ref<const std::string&>();
  }
  absl::StatusOr<std::string> StringOr(std::string fallback) const {
    if (!present()) return fallback;
    return String();
  }

  absl::StatusOr<std::int64_t> Size() const {
    if (!present()) return Bad("missing");
    if (!value_->is_number_integer()) return Bad("must be an integer");
    if (!value_->is_number_unsigned()) return Bad("must not be negative");
    const auto number = value_->get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return Bad("too large");
    return static_cast<std::int64_t>(number);
  }

  absl::StatusOr<std::string> Sha256Digest() const {
    VX_ASSIGN_OR_RETURN(std::string digest, String());
    if (!base::IsSha256Digest(digest)) {
      return Bad(
          fmt::format("\"{}\" is not \"sha256:\" and 64 lower-case hex digits", Printable(digest)));
    }
    return digest;
  }

  // Absent: empty.
  absl::StatusOr<std::vector<Node>> Items(std::size_t limit) const {
    std::vector<Node> out;
    if (!present()) return out;
    if (!value_->is_array()) return Bad("must be an array");
    if (value_->size() > limit) {
      return Bad(fmt::format("has {} elements, at most {} are allowed", value_->size(), limit));
    }
    for (std::size_t i = 0; i < value_->size(); ++i) {
      out.emplace_back(&(*value_)[i], fmt::format("{}[{}]", where_, i));
    }
    return out;
  }

  absl::StatusOr<std::vector<std::string>> Strings(std::size_t limit) const {
    VX_ASSIGN_OR_RETURN(const std::vector<Node> items, Items(limit));
    std::vector<std::string> out;
    for (const Node& item : items) {
      VX_ASSIGN_OR_RETURN(std::string text, item.String());
      out.push_back(std::move(text));
    }
    return out;
  }

  absl::StatusOr<std::map<std::string, std::string>> StringMap() const {
    std::map<std::string, std::string> out;
    if (!present()) return out;
    VX_RETURN_IF_ERROR(NeedObject());
    for (auto it = value_->begin(); it != value_->end(); ++it) {
      VX_ASSIGN_OR_RETURN(out[it.key()], (*this)[it.key()].StringOr(""));
    }
    return out;
  }

 private:
  const Json* value_;
  std::string where_;
};

constexpr std::size_t kMaxStrings = 65'536;

absl::StatusOr<Json> Parse(std::string_view text, const std::string& name) {
  if (text.size() > kMaxJsonBytes) {
    return InvalidArgument("{}: {} bytes, at most {} are allowed", name, text.size(),
                           kMaxJsonBytes);
  }
  if (TooDeep(text)) {
    return InvalidArgument("{}: JSON nested more than {} levels deep", name, kMaxJsonDepth);
  }
  try {
    return Json::parse(text.begin(), text.end());
  } catch (const nlohmann::json::parse_error& error) {
    return InvalidArgument("{}: not valid JSON at byte {}", name, error.byte);
  } catch (const std::exception& error) {
    return InvalidArgument("{}: not valid JSON: {}", name, Printable(error.what()));
  }
}

absl::StatusOr<Descriptor> ReadDescriptor(const Node& node) {
  VX_RETURN_IF_ERROR(node.NeedObject());
  Descriptor out;
  VX_ASSIGN_OR_RETURN(out.media_type, node["mediaType"].String());
  VX_ASSIGN_OR_RETURN(out.digest, node["digest"].Sha256Digest());
  VX_ASSIGN_OR_RETURN(out.size, node["size"].Size());
  VX_ASSIGN_OR_RETURN(out.annotations, node["annotations"].StringMap());
  return out;
}

absl::Status CheckSchemaVersion(const Node& root) {
  VX_RETURN_IF_ERROR(root.NeedObject());
  VX_ASSIGN_OR_RETURN(const std::int64_t version, root["schemaVersion"].Size());
  if (version != 2) return root["schemaVersion"].Bad(fmt::format("is {}, must be 2", version));
  return absl::OkStatus();
}

// A document that calls itself something else than its descriptor does is how a manifest and an
// index of one digest could be confused (CVE-2021-41190).
absl::Status CheckMediaType(const Node& root, bool (*fits)(std::string_view),
                            std::string_view foreign_field, std::string_view wanted) {
  VX_ASSIGN_OR_RETURN(const std::string type, root["mediaType"].StringOr(""));
  if (!type.empty() && !fits(type)) {
    return root["mediaType"].Bad(fmt::format("\"{}\" is not that of {}", Printable(type), wanted));
  }
  if (root[std::string(foreign_field)].present()) {
    return root[std::string(foreign_field)].Bad(fmt::format("does not belong into {}", wanted));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<IndexDocument> ParseIndex(std::string_view text, const std::string& name) {
  VX_ASSIGN_OR_RETURN(const Json json, Parse(text, name));
  const Node root(&json, name + ":");
  VX_RETURN_IF_ERROR(CheckSchemaVersion(root));
  VX_RETURN_IF_ERROR(CheckMediaType(root, IsIndex, "layers", "an image index"));
  if (!root["manifests"].present()) return root["manifests"].Bad("missing");
  VX_ASSIGN_OR_RETURN(const std::vector<Node> items, root["manifests"].Items(kMaxIndexEntries));
  IndexDocument out;
  for (const Node& item : items) {
    IndexEntry entry;
    VX_ASSIGN_OR_RETURN(entry.descriptor, ReadDescriptor(item));
    if (const Node platform = item["platform"]; platform.present()) {
      VX_RETURN_IF_ERROR(platform.NeedObject());
      entry.platform.emplace();
      VX_ASSIGN_OR_RETURN(entry.platform->os, platform["os"].StringOr(""));
      VX_ASSIGN_OR_RETURN(entry.platform->architecture, platform["architecture"].StringOr(""));
      VX_ASSIGN_OR_RETURN(entry.platform->variant, platform["variant"].StringOr(""));
    }
    out.manifests.push_back(std::move(entry));
  }
  return out;
}

absl::StatusOr<ManifestDocument> ParseManifest(std::string_view text, const std::string& name) {
  VX_ASSIGN_OR_RETURN(const Json json, Parse(text, name));
  const Node root(&json, name + ":");
  VX_RETURN_IF_ERROR(CheckSchemaVersion(root));
  VX_RETURN_IF_ERROR(CheckMediaType(root, IsManifest, "manifests", "an image manifest"));
  ManifestDocument out;
  VX_ASSIGN_OR_RETURN(out.config, ReadDescriptor(root["config"]));
  if (!IsConfig(out.config.media_type)) {
    out.is_image = false;
    return out;
  }
  if (!root["layers"].present()) return root["layers"].Bad("missing");
  VX_ASSIGN_OR_RETURN(const std::vector<Node> items, root["layers"].Items(kMaxLayers));
  for (const Node& item : items) {
    VX_ASSIGN_OR_RETURN(Descriptor layer, ReadDescriptor(item));
    if (const absl::Status known = CheckLayerType(layer.media_type); !known.ok()) {
      return item["mediaType"].Bad(Message(known));
    }
    out.layers.push_back(std::move(layer));
  }
  return out;
}

absl::StatusOr<ConfigDocument> ParseConfig(std::string_view text, const std::string& name) {
  VX_ASSIGN_OR_RETURN(const Json json, Parse(text, name));
  const Node root(&json, name + ":");
  VX_RETURN_IF_ERROR(root.NeedObject());
  ConfigDocument out;
  VX_ASSIGN_OR_RETURN(out.platform.os, root["os"].String());
  VX_ASSIGN_OR_RETURN(out.platform.architecture, root["architecture"].String());
  VX_ASSIGN_OR_RETURN(out.platform.variant, root["variant"].StringOr(""));
  const Node rootfs = root["rootfs"];
  VX_RETURN_IF_ERROR(rootfs.NeedObject());
  VX_ASSIGN_OR_RETURN(const std::string type, rootfs["type"].String());
  if (type != "layers") {
    return rootfs["type"].Bad(fmt::format("is \"{}\", must be \"layers\"", Printable(type)));
  }
  VX_ASSIGN_OR_RETURN(const std::vector<Node> ids, rootfs["diff_ids"].Items(kMaxLayers));
  for (const Node& id : ids) {
    VX_ASSIGN_OR_RETURN(std::string digest, id.Sha256Digest());
    out.diff_ids.push_back(std::move(digest));
  }
  if (const Node config = root["config"]; config.present()) {
    VX_RETURN_IF_ERROR(config.NeedObject());
    VX_ASSIGN_OR_RETURN(out.env, config["Env"].Strings(kMaxStrings));
    VX_ASSIGN_OR_RETURN(out.entrypoint, config["Entrypoint"].Strings(kMaxStrings));
    VX_ASSIGN_OR_RETURN(out.cmd, config["Cmd"].Strings(kMaxStrings));
    VX_ASSIGN_OR_RETURN(out.working_dir, config["WorkingDir"].StringOr(""));
    VX_ASSIGN_OR_RETURN(out.user, config["User"].StringOr(""));
    VX_ASSIGN_OR_RETURN(out.labels, config["Labels"].StringMap());
  }
  return out;
}

absl::Status CheckOciLayout(std::string_view text, const std::string& name) {
  VX_ASSIGN_OR_RETURN(const Json json, Parse(text, name));
  const Node root(&json, name + ":");
  VX_RETURN_IF_ERROR(root.NeedObject());
  VX_ASSIGN_OR_RETURN(const std::string version, root["imageLayoutVersion"].String());
  if (version.substr(0, 2) != "1.") {
    return root["imageLayoutVersion"].Bad(
        fmt::format("is \"{}\", only 1.x is known", Printable(version)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DockerSaveEntry>> ParseDockerSave(std::string_view text,
                                                             const std::string& name) {
  VX_ASSIGN_OR_RETURN(const Json json, Parse(text, name));
  const Node root(&json, name + ":");
  VX_ASSIGN_OR_RETURN(const std::vector<Node> items, root.Items(kMaxImages));
  std::vector<DockerSaveEntry> out;
  for (const Node& item : items) {
    VX_RETURN_IF_ERROR(item.NeedObject());
    DockerSaveEntry entry;
    VX_ASSIGN_OR_RETURN(entry.config, item["Config"].String());
    VX_ASSIGN_OR_RETURN(entry.repo_tags, item["RepoTags"].Strings(kMaxImages));
    VX_ASSIGN_OR_RETURN(entry.layers, item["Layers"].Strings(kMaxLayers));
    out.push_back(std::move(entry));
  }
  return out;
}

std::string WriteDockerManifest(const Descriptor& config, const std::vector<Descriptor>& layers) {
  const auto write = [](const Descriptor& descriptor) {
    return nlohmann::ordered_json{{"mediaType", descriptor.media_type},
                                  {"size", descriptor.size},
                                  {"digest", descriptor.digest}};
  };
  nlohmann::ordered_json out{
      {"schemaVersion", 2}, {"mediaType", kDockerManifest}, {"config", write(config)}};
  out["layers"] = nlohmann::ordered_json::array();
  for (const Descriptor& layer : layers) out["layers"].push_back(write(layer));
  return out.dump();
}

}  // namespace vortex::client::importing
