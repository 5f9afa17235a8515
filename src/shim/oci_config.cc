// SPDX-License-Identifier: Apache-2.0
#include "shim/oci_config.h"

#include "base/json_reader.h"
#include "shim/files.h"

namespace vortex::shim {
namespace {

using base::JsonReader;

bool Wanted(std::string_view key) {
  return key.starts_with("io.vortex.") || key == "io.containerd.runc.v2.group" ||
         key == "io.kubernetes.cri.sandbox-id" || key == "io.kubernetes.cri.container-type";
}

void ReadProcess(JsonReader& json, OciConfig* config) {
  json.Object([&](std::string_view key) {
    if (key == "terminal") {
      config->terminal = json.Bool();
    } else if (key == "noNewPrivileges") {
      config->no_new_privileges = json.Bool();
    } else {
      json.Skip();
    }
  });
}

void ReadNamespaces(JsonReader& json, OciConfig* config) {
  json.Array([&] {
    std::string type;
    std::string path;
    json.Object([&](std::string_view key) {
      if (key == "type") {
        type = json.String();
      } else if (key == "path") {
        path = json.String();
      } else {
        json.Skip();
      }
    });
    if (type == "pid" && path.empty()) config->shared_pid_namespace = false;
    if (type == "network") {
      config->own_network_namespace = true;
      config->network_path = path;
    }
    if (type == "user") config->user_namespace = true;
  });
}

void ReadResources(JsonReader& json, OciConfig* config) {
  json.Object([&](std::string_view group) {
    if (group != "memory" && group != "pids" && group != "cpu") return json.Skip();
    const std::string kind(group);
    json.Object([&](std::string_view key) {
      if (kind == "memory" && key == "limit") {
        config->memory_limit = json.Int();
      } else if (kind == "memory" && key == "swap") {
        config->memory_swap = json.Int();
      } else if (kind == "pids" && key == "limit") {
        config->pids_limit = json.Int();
      } else if (kind == "cpu" && key == "quota") {
        config->cpu_quota = json.Int();
      } else if (kind == "cpu" && key == "period") {
        config->cpu_period = json.Int();
      } else {
        json.Skip();
      }
    });
  });
}

void ReadUidMappings(JsonReader& json, OciConfig* config) {
  json.Array([&] {
    std::int64_t container = -1;
    std::int64_t host = -1;
    json.Object([&](std::string_view key) {
      if (key == "containerID") {
        container = json.Int();
      } else if (key == "hostID") {
        host = json.Int();
      } else {
        json.Skip();
      }
    });
    if (container == 0 && host > 0 && host < 0xffffffff)
      config->host_uid_of_root = static_cast<std::uint32_t>(host);
  });
}

void ReadLinux(JsonReader& json, OciConfig* config) {
  json.Object([&](std::string_view key) {
    if (key == "namespaces") {
      ReadNamespaces(json, config);
    } else if (key == "resources") {
      ReadResources(json, config);
    } else if (key == "uidMappings") {
      ReadUidMappings(json, config);
    } else if (key == "seccomp") {
      config->has_seccomp = json.Raw().starts_with('{');
    } else {
      json.Skip();
    }
  });
}

}  // namespace

std::string TraceConfigOf(const OciConfig& config) {
  if (!config.OurJob()) return "";
  const std::string path = config.Annotation("io.vortex.trace-config");
  const std::string report = config.Annotation("io.vortex.report");
  const std::size_t slash = report.rfind('/');
  if (!report.starts_with('/') || report.find("/../") != std::string::npos) return "";
  return path == report.substr(0, slash) + "/trace.json" ? path : "";
}

std::string OciConfig::Annotation(const std::string& key) const {
  const auto it = annotations.find(key);
  return it == annotations.end() ? std::string() : it->second;
}

bool OciConfig::OurJob() const {
  return !Annotation("io.vortex.run-id").empty() &&
         Annotation("io.kubernetes.cri.sandbox-id").empty();
}

std::optional<OciConfig> ParseOciConfig(std::string_view text) {
  OciConfig config;
  JsonReader json(text);
  if (!Trim(text).starts_with('{')) return std::nullopt;
  json.Object([&](std::string_view key) {
    if (key == "annotations") {
      json.Object([&](std::string_view name) {
        if (Wanted(name)) {
          std::string owned(name);
          config.annotations[std::move(owned)] = json.String();
        } else {
          json.Skip();
        }
      });
    } else if (key == "process") {
      ReadProcess(json, &config);
    } else if (key == "linux") {
      ReadLinux(json, &config);
    } else if (key == "hooks") {
      json.Object([&](std::string_view name) {
        // Any content counts: "[]" is the only text that certainly asks for nothing.
        const std::string_view hooks = json.Raw();
        const bool some = hooks != "[]" && hooks != "null";
        if (name == "poststart") config.poststart_hooks = some;
        if (name == "poststop") config.poststop_hooks = some;
      });
    } else if (key == "root") {
      json.Object([&](std::string_view name) {
        if (name == "readonly") {
          config.readonly_root = json.Bool();
        } else {
          json.Skip();
        }
      });
    } else {
      json.Skip();
    }
  });
  if (!json.Finish()) return std::nullopt;
  return config;
}

std::optional<OciConfig> ReadOciConfig(const std::string& bundle) {
  const auto text = ReadFile(bundle + "/config.json", 16 << 20);
  if (!text) return std::nullopt;
  return ParseOciConfig(*text);
}

std::optional<std::string> SetTerminal(std::string_view process, bool terminal) {
  const std::string_view word = terminal ? "true" : "false";
  process = Trim(process);
  if (!process.starts_with('{')) return std::nullopt;
  JsonReader json(process);
  std::string_view found;
  bool empty = true;
  json.Object([&](std::string_view key) {
    empty = false;
    if (key == "terminal") {
      found = json.Raw();
    } else {
      json.Skip();
    }
  });
  if (!json.Finish()) return std::nullopt;
  std::string out(process);
  if (found.data() != nullptr) {
    out.replace(static_cast<std::size_t>(found.data() - process.data()), found.size(), word);
  } else {
    out.insert(1, "\"terminal\":" + std::string(word) + (empty ? "" : ","));
  }
  return out;
}

std::string GroupOf(const OciConfig& config, const std::string& id) {
  for (const char* key : {"io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"}) {
    if (std::string value = config.Annotation(key); !value.empty()) return value;
  }
  return id;
}

}  // namespace vortex::shim
