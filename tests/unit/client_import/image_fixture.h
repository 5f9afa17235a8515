// SPDX-License-Identifier: Apache-2.0
// Makes image archives for tests: files by name first, then written out as a directory or a tar.
// Nothing is checked, so that broken archives can be made too.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "nlohmann/json.hpp"

namespace vortex::test {

using Json = nlohmann::ordered_json;
using Files = std::map<std::string, std::string>;

// A directory below $TMPDIR or /tmp that is gone with the object.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct TarItem {
  std::string name;
  std::string data;
  char type = '0';
  std::string link;
};

// Ustar with GNU long names; ends with two zero blocks.
std::string MakeTar(const std::vector<TarItem>& items);
std::string MakeTar(const Files& files);
std::string TarHeader(const TarItem& item, std::uint64_t size);
std::string TarEnd();
std::string Pad(std::string data);  // to whole blocks

std::string Gzip(const std::string& data);
std::string Zstd(const std::string& data);

void WriteFile(const std::string& path, const std::string& data);
// Creates the directories on the way.
void WriteTree(const std::string& directory, const Files& files);

std::string HostArchitecture();

Json DescriptorOf(const std::string& media_type, const std::string& bytes);

// An OCI image layout in memory.
class Layout {
 public:
  Files files{{"oci-layout", R"({"imageLayoutVersion":"1.0.0"})"}};
  Json index{{"schemaVersion", 2}, {"manifests", Json::array()}};

  // Puts a blob and returns its descriptor.
  Json AddBlob(const std::string& media_type, const std::string& bytes);

  // Puts layers, config and manifest; returns the manifest's descriptor, not yet in the index.
  struct Layer {
    std::string tar;
    std::string compression;  // "", "gzip" or "zstd"
  };
  Json AddImage(const std::vector<Layer>& layers, const Json& config = Json::object(),
                const std::string& architecture = HostArchitecture());

  // Lists a descriptor in index.json, with a name unless that is empty.
  void List(Json descriptor, const std::string& name = "");

  // All files, index.json included.
  Files Build() const;
};

// A `docker save` archive with one image.
Files MakeDockerSave(const std::vector<std::string>& layer_tars,
                     const std::vector<std::string>& tags, const Json& config = Json::object());

// A whole layout with the one image "example.com/test:1" of one plain layer that holds "hello".
Layout SmallLayout();

}  // namespace vortex::test
