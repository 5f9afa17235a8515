// SPDX-License-Identifier: Apache-2.0
#include "client/import/platform.h"

#include <sys/utsname.h>

#include <string_view>

namespace vortex::client::importing {
namespace {

// "v3" is 3; an empty variant is the architecture's default; anything else is unknown.
std::optional<int> VariantNumber(const Platform& platform) {
  const std::string_view variant = platform.variant;
  if (variant.empty()) {
    if (platform.architecture == "amd64") return 1;
    if (platform.architecture == "arm64") return 8;
    if (platform.architecture == "arm") return 7;
    return 0;
  }
  if (variant.size() == 2 && variant[0] == 'v' && variant[1] >= '0' && variant[1] <= '9') {
    return variant[1] - '0';
  }
  return std::nullopt;
}

std::string CpuVariant([[maybe_unused]] std::string_view machine) {
#if defined(__x86_64__)
  // x86-64 psABI, "Micro-Architecture Levels", by the features that no CPU has alone.
  __builtin_cpu_init();
  const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3") &&
                  __builtin_cpu_supports("popcnt");
  const bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                  __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
  return v3 ? "v3" : v2 ? "v2" : "v1";
#else
  if (machine.substr(0, 4) == "armv" && machine.size() > 4)
    return "v" + std::string(machine.substr(4, 1));
  return "";
#endif
}

Platform Detect() {
  utsname name{};
  ::uname(&name);
  const std::string_view machine = name.machine;
  Platform host{"linux", std::string(machine), ""};
  if (machine == "x86_64") host.architecture = "amd64";
  if (machine == "aarch64") host.architecture = "arm64";
  if (machine.substr(0, 4) == "armv") host.architecture = "arm";
  if (machine == "i686" || machine == "i386") host.architecture = "386";
  if (machine == "loongarch64") host.architecture = "loong64";
  host.variant = CpuVariant(machine);
  return host;
}

}  // namespace

std::string Platform::ToString() const {
  std::string out = (os.empty() ? "?" : os) + "/" + (architecture.empty() ? "?" : architecture);
  if (!variant.empty()) out += "/" + variant;
  return out;
}

const Platform& HostPlatform() {
  static const Platform host = Detect();
  return host;
}

std::optional<int> PlatformRank(const Platform& host, const Platform& offered) {
  if (offered.os != host.os || offered.architecture != host.architecture) return std::nullopt;
  const std::optional<int> has = VariantNumber(host);
  const std::optional<int> needs = VariantNumber(offered);
  // An unknown variant runs where it is named the same.
  if (!has || !needs) return offered.variant == host.variant ? std::optional<int>(0) : std::nullopt;
  if (*needs > *has) return std::nullopt;
  return *needs;
}

}  // namespace vortex::client::importing
