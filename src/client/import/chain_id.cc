// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.h"
#include "client/import.h"

namespace vortex::client {

std::string ChainId(const std::vector<std::string>& diff_ids) {
  std::string chain;
  for (const std::string& diff_id : diff_ids) {
    chain = chain.empty() ? diff_id : base::Sha256::Digest(chain + " " + diff_id);
  }
  return chain;
}

}  // namespace vortex::client
