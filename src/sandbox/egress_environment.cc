// SPDX-License-Identifier: Apache-2.0
// What a run with granted hosts tells its plugin; apart from the link itself, since it is pure.
#include <fmt/format.h>

#include "egress/config.h"
#include "sandbox/egress.h"

namespace vortex::sandbox {

std::vector<std::string> EgressEnvironment() {
  const std::string url = fmt::format("http://{}:{}", egress::kProxyAddress, egress::kProxyPort);
  // Both spellings: curl reads only the lower one of http_proxy, others only the upper ones. An
  // empty NO_PROXY, so that no image's default sends anything around the proxy.
  return {"HTTPS_PROXY=" + url, "HTTP_PROXY=" + url,  "NO_PROXY=",
          "http_proxy=" + url,  "https_proxy=" + url, "no_proxy="};
}

}  // namespace vortex::sandbox
