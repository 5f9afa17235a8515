// SPDX-License-Identifier: Apache-2.0
#include "unit/client_import/image_fixture.h"

#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/sha256.h"
#include "client/import/media_types.h"
#include "client/import/platform.h"

namespace vortex::test {
namespace {

namespace fs = std::filesystem;
using namespace client::importing;  // media types

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "image fixture: %s\n", what.c_str());
  std::abort();
}

}  // namespace

TempDir::TempDir() {
  const char* base = std::getenv("TMPDIR");
  path_ = std::string(base != nullptr ? base : "/tmp") + "/vortex-import-XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) Die("mkdtemp " + path_);
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string Pad(std::string data) {
  data.resize((data.size() + 511) / 512 * 512, '\0');
  return data;
}

std::string TarHeader(const TarItem& item, std::uint64_t size) {
  std::string block(512, '\0');
  const auto put = [&block](std::size_t at, const std::string& text) {
    block.replace(at, text.size(), text);
  };
  const auto octal = [](std::uint64_t value, int width) {
    char text[32];
    std::snprintf(text, sizeof text, "%0*llo", width, static_cast<unsigned long long>(value));
    return std::string(text);
  };
  put(0, item.name.substr(0, 100));
  put(100, item.type == '5' ? "0000755" : "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, octal(size, 11));
  put(136, "00000000000");
  block[156] = item.type;
  put(157, item.link.substr(0, 100));
  put(257, std::string("ustar\0"
                       "00",
                       8));
  put(148, "        ");
  std::uint64_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(148, octal(sum, 6) + std::string("\0 ", 2));
  return block;
}

std::string TarEnd() { return std::string(1024, '\0'); }

std::string MakeTar(const std::vector<TarItem>& items) {
  std::string out;
  for (const TarItem& item : items) {
    for (const auto& [type, text] : {std::pair('L', item.name), std::pair('K', item.link)}) {
      if (text.size() <= 100) continue;
      const std::string body = text + std::string(1, '\0');
      out += TarHeader({"././@LongLink", "", type, ""}, body.size()) + Pad(body);
    }
    out += TarHeader(item, item.data.size()) + Pad(item.data);
  }
  return out + TarEnd();
}

std::string MakeTar(const Files& files) {
  std::vector<TarItem> items;
  for (const auto& [name, data] : files) items.push_back({name, data, '0', ""});
  return MakeTar(items);
}

std::string Gzip(const std::string& data) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    Die("deflateInit2");
  std::string out(deflateBound(&stream, data.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) Die("deflate");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(const std::string& data) {
  std::string out(ZSTD_compressBound(data.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), data.data(), data.size(), 3);
  if (ZSTD_isError(size)) Die("ZSTD_compress");
  out.resize(size);
  return out;
}

void WriteFile(const std::string& path, const std::string& data) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << data;
  if (!file.flush()) Die("write " + path);
}

void WriteTree(const std::string& directory, const Files& files) {
  for (const auto& [name, data] : files) {
    const fs::path path = fs::path(directory) / name;
    fs::create_directories(path.parent_path());
    WriteFile(path.string(), data);
  }
}

std::string HostArchitecture() { return HostPlatform().architecture; }

Json DescriptorOf(const std::string& media_type, const std::string& bytes) {
  return {
      {"mediaType", media_type}, {"digest", base::Sha256::Digest(bytes)}, {"size", bytes.size()}};
}

Json Layout::AddBlob(const std::string& media_type, const std::string& bytes) {
  Json descriptor = DescriptorOf(media_type, bytes);
  files["blobs/sha256/" + descriptor["digest"].get<std::string>().substr(7)] = bytes;
  return descriptor;
}

Json Layout::AddImage(const std::vector<Layer>& layers, const Json& config,
                      const std::string& architecture) {
  Json document{{"architecture", architecture},
                {"os", "linux"},
                {"config", config},
                {"rootfs", {{"type", "layers"}, {"diff_ids", Json::array()}}}};
  Json list = Json::array();
  for (const Layer& layer : layers) {
    document["rootfs"]["diff_ids"].push_back(base::Sha256::Digest(layer.tar));
    if (layer.compression == "gzip") {
      list.push_back(AddBlob(std::string(kOciLayer) + "+gzip", Gzip(layer.tar)));
    } else if (layer.compression == "zstd") {
      list.push_back(AddBlob(std::string(kOciLayer) + "+zstd", Zstd(layer.tar)));
    } else {
      list.push_back(AddBlob(kOciLayer, layer.tar));
    }
  }
  const Json manifest{{"schemaVersion", 2},
                      {"mediaType", kOciManifest},
                      {"config", AddBlob(kOciConfig, document.dump())},
                      {"layers", list}};
  return AddBlob(kOciManifest, manifest.dump());
}

void Layout::List(Json descriptor, const std::string& name) {
  if (!name.empty()) descriptor["annotations"]["io.containerd.image.name"] = name;
  index["manifests"].push_back(std::move(descriptor));
}

Files Layout::Build() const {
  Files out = files;
  out.emplace("index.json", index.dump());
  return out;
}

Files MakeDockerSave(const std::vector<std::string>& layer_tars,
                     const std::vector<std::string>& tags, const Json& config) {
  Files out;
  Json document{{"architecture", HostArchitecture()},
                {"os", "linux"},
                {"config", config},
                {"rootfs", {{"type", "layers"}, {"diff_ids", Json::array()}}}};
  Json layers = Json::array();
  for (std::size_t i = 0; i < layer_tars.size(); ++i) {
    const std::string name = "layer" + std::to_string(i) + "/layer.tar";
    out[name] = layer_tars[i];
    layers.push_back(name);
    document["rootfs"]["diff_ids"].push_back(base::Sha256::Digest(layer_tars[i]));
  }
  out["config.json"] = document.dump();
  out["manifest.json"] =
      Json::array({{{"Config", "config.json"}, {"RepoTags", tags}, {"Layers", layers}}}).dump();
  return out;
}

Layout SmallLayout() {
  Layout layout;
  layout.List(layout.AddImage({{MakeTar(Files{{"hello", "hello\n"}}), ""}}), "example.com/test:1");
  return layout;
}

}  // namespace vortex::test
