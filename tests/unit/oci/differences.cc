// SPDX-License-Identifier: Apache-2.0
#include "unit/oci/differences.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "oci/canonical_json.h"

namespace vortex::oci {
namespace {

using Json = nlohmann::json;

class Comparer {
 public:
  void Compare(const std::string& path, const Json& base, const Json& spec) {
    if (base == spec) return;
    if (base.is_object() && spec.is_object()) return CompareObjects(path, base, spec);
    if (base.is_array() && spec.is_array()) return CompareLists(path, base, spec);
    Line(path, base.dump() + " → " + spec.dump());
  }

  std::string text() const { return text_; }

 private:
  void CompareObjects(const std::string& path, const Json& base, const Json& spec) {
    const std::string prefix = path.empty() ? "" : path + ".";
    for (const auto& [key, value] : base.items()) {
      if (!spec.contains(key)) Line(prefix + key, "absent");
    }
    for (const auto& [key, value] : spec.items()) {
      if (base.contains(key)) {
        Compare(prefix + key, base.at(key), value);
      } else {
        Line(prefix + key, value.dump());
      }
    }
  }

  void CompareLists(const std::string& path, const Json& base, const Json& spec) {
    for (const Json& item : base) {
      if (!Contains(spec, item)) Line(path, "without " + item.dump());
    }
    for (const Json& item : spec) {
      if (!Contains(base, item)) Line(path, "with " + item.dump());
    }
  }

  static bool Contains(const Json& list, const Json& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  }

  void Line(const std::string& path, const std::string& what) {
    text_ += "- `" + path + "`: " + what + "\n";
  }

  std::string text_;
};

}  // namespace

std::string DescribeDifferences(const Spec& base, const Spec& spec) {
  Comparer comparer;
  comparer.Compare("", Json::parse(ToCanonicalJson(base)), Json::parse(ToCanonicalJson(spec)));
  return comparer.text();
}

}  // namespace vortex::oci
