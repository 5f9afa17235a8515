// SPDX-License-Identifier: Apache-2.0
#include "shim/runtime_options.h"

#include <cerrno>

#include "base/json_reader.h"
#include "containerd/runc/v1/options.pb.h"
#include "containerd/runtimeoptions/v1/api.pb.h"
#include "shim/files.h"
#include "shim/wire_fields.h"

namespace vortex::shim {
namespace {

void FromRunc(const containerd::runc::v1::Options& in, RuntimeOptions* out) {
  out->no_pivot_root = in.no_pivot_root();
  out->no_new_keyring = in.no_new_keyring();
  out->shim_cgroup = in.shim_cgroup();
  out->io_uid = in.io_uid();
  out->io_gid = in.io_gid();
  out->binary_name = in.binary_name();
  out->root = in.root();
  out->systemd_cgroup = in.systemd_cgroup();
  out->criu_image_path = in.criu_image_path();
  out->criu_work_path = in.criu_work_path();
}

}  // namespace

Status DecodeOptions(std::string_view type_url, std::string_view value, RuntimeOptions* out) {
  const std::size_t slash = type_url.rfind('/');
  const std::string_view type =
      slash == std::string_view::npos ? type_url : type_url.substr(slash + 1);
  if (type.empty()) return Ok();
  const auto malformed = [&] {
    return InvalidArgument("runtime options of type " + std::string(type) + " do not decode");
  };
  if (type == "containerd.runc.v1.Options") {
    containerd::runc::v1::Options options;
    if (!options.ParseFromArray(value.data(), static_cast<int>(value.size()))) return malformed();
    FromRunc(options, out);
    return Ok();
  }
  if (type == "runtimeoptions.v1.Options") {
    runtimeoptions::v1::Options options;
    if (!options.ParseFromArray(value.data(), static_cast<int>(value.size()))) return malformed();
    if (!options.config_path().empty()) {
      const auto text = ReadFile(options.config_path(), 1 << 20);
      if (!text) return FromErrno("runtime options file " + options.config_path(), errno);
      Status status = ParseToml(*text, out);
      if (!status.ok()) status.message = options.config_path() + ": " + status.message;
      return status;
    }
    // config_body (3) came with containerd 1.7; our message has the two older fields.
    std::string body;
    EachField(value, [&body](std::uint64_t number, std::string_view bytes) {
      if (number == 3) body = bytes;
    });
    return ParseToml(body, out);
  }
  return InvalidArgument("runtime options of type \"" + std::string(type) +
                         "\"; known: containerd.runc.v1.Options, runtimeoptions.v1.Options");
}

std::string RuntimeOptions::ToJson() const {
  std::string out = "{";
  const auto member = [&out](std::string_view key, const std::string& json) {
    if (out.size() > 1) out += ',';
    out += base::JsonQuote(key) + ":" + json;
  };
  if (no_pivot_root) member("no_pivot_root", "true");
  if (no_new_keyring) member("no_new_keyring", "true");
  if (!shim_cgroup.empty()) member("shim_cgroup", base::JsonQuote(shim_cgroup));
  if (io_uid != 0) member("io_uid", std::to_string(io_uid));
  if (io_gid != 0) member("io_gid", std::to_string(io_gid));
  if (!binary_name.empty()) member("binary_name", base::JsonQuote(binary_name));
  if (!root.empty()) member("root", base::JsonQuote(root));
  if (systemd_cgroup) member("systemd_cgroup", "true");
  if (!criu_image_path.empty()) member("criu_image_path", base::JsonQuote(criu_image_path));
  if (!criu_work_path.empty()) member("criu_work_path", base::JsonQuote(criu_work_path));
  if (!driver.empty()) member("vortex_driver", base::JsonQuote(driver));
  return out + "}";
}

RuntimeOptions RuntimeOptions::FromJson(std::string_view text) {
  RuntimeOptions out;
  base::JsonReader json(text);
  json.Object([&](std::string_view key) {
    if (key == "binary_name") {
      out.binary_name = json.String();
    } else if (key == "root") {
      out.root = json.String();
    } else if (key == "systemd_cgroup") {
      out.systemd_cgroup = json.Bool();
    } else if (key == "vortex_driver") {
      out.driver = json.String();
    } else {
      json.Skip();
    }
  });
  return json.Finish() ? out : RuntimeOptions();
}

}  // namespace vortex::shim
