// SPDX-License-Identifier: Apache-2.0
// Bounds for what an image archive may make us read, keep in memory or write to the temporary
// directory. They are far above what real images need; an archive past one of them is refused,
// never cut.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vortex::client::importing {

constexpr std::size_t kMaxJsonBytes = 8u << 20;         // one JSON document
constexpr std::size_t kMaxJsonTotalBytes = 256u << 20;  // all index documents of an archive
constexpr int kMaxJsonDepth = 64;                       // arrays and objects inside each other
constexpr std::size_t kMaxNameBytes = 4096;             // one name in a tar (PATH_MAX)
constexpr std::size_t kMaxPaxBytes = 1u << 20;          // one pax extended header
constexpr std::size_t kMaxTarEntries = 100'000;         // files, directories and links
constexpr int kMaxLinkDepth = 8;                        // links inside a tar that point to links
constexpr std::int64_t kMaxExpandedBytes = 64LL << 30;  // a compressed archive, expanded
constexpr int kMaxIndexDepth = 8;                       // an index inside an index
constexpr std::size_t kMaxIndexEntries = 4096;          // manifests of one index
constexpr std::size_t kMaxIndexVisits = 16'384;         // entries looked at in all indexes together
constexpr std::size_t kMaxLayers = 1024;                // overlayfs itself stops at 500
constexpr std::size_t kMaxImages = 1024;                // images of one archive

}  // namespace vortex::client::importing
