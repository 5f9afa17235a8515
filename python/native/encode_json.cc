// SPDX-License-Identifier: Apache-2.0
#include "encode_json.h"

#include <cmath>
#include <memory>
#include <string_view>
#include <vector>

namespace vortex::python {
namespace {

namespace py = pybind11;

// A step of the way to a value: a key of an object, or an index.
struct Step {
  PyObject* key;  // borrowed; null: an index
  Py_ssize_t index;
};

// Keys come from untrusted hands: what a message shows of one.
constexpr std::size_t kMaxShownKey = 40;

class Encoder {
 public:
  Encoder(const std::string& name, std::size_t max_depth, std::size_t max_bytes)
      : name_(name), max_depth_(max_depth), max_bytes_(max_bytes) {}

  std::string Encode(PyObject* object) {
    Value(object);
    return std::move(out_);
  }

 private:
  [[noreturn]] void Fail(const std::string& what) {
    if (PyErr_Occurred()) PyErr_Clear();
    throw py::value_error(Path() + ": " + what);
  }

  std::string Path() const {
    std::string path = name_;
    for (const Step& step : steps_) {
      if (step.key == nullptr) {
        path += "[" + std::to_string(step.index) + "]";
        continue;
      }
      std::string key = py::repr(step.key);
      if (PyUnicode_Check(step.key) && PyUnicode_IsIdentifier(step.key) == 1) {
        path += "." + std::string(py::str(step.key));
        continue;
      }
      if (key.size() > kMaxShownKey) key = key.substr(0, kMaxShownKey) + "…";
      path += "[" + key + "]";
    }
    return path;
  }

  void CheckSize() {
    if (out_.size() > max_bytes_) {
      steps_.clear();
      Fail("more than " + std::to_string(max_bytes_) + " bytes of JSON");
    }
  }

  void Value(PyObject* object) {
    // The commonest first. bool before int, of which it is a subclass.
    if (PyUnicode_Check(object)) return String(object);
    if (object == Py_None) return Append("null");
    if (PyBool_Check(object)) return Append(object == Py_True ? "true" : "false");
    if (PyLong_Check(object)) return Int(object);
    if (PyFloat_Check(object)) return Float(object);
    if (PyDict_Check(object)) return Object(object);
    if (PyList_Check(object) || PyTuple_Check(object)) return Array(object);
    Fail(TypeName(object) + " is not a JSON type");
  }

  static std::string TypeName(PyObject* object) {
    const py::handle type(reinterpret_cast<PyObject*>(Py_TYPE(object)));
    const std::string module = py::str(type.attr("__module__"));
    const std::string name = py::str(type.attr("__qualname__"));
    return module == "builtins" ? name : module + "." + name;
  }

  void Append(std::string_view text) {
    out_ += text;
    CheckSize();
  }

  void Int(PyObject* object) {
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow == 0) return Append(std::to_string(value));
    // int's own repr: a subclass may print itself otherwise. Digits beyond the interpreter's limit
    // (sys.set_int_max_str_digits) are refused by it.
    const py::object text = py::reinterpret_steal<py::object>(PyLong_Type.tp_repr(object));
    if (!text) Fail("an integer of more digits than Python turns into text");
    Append(std::string(py::str(text)));
  }

  void Float(PyObject* object) {
    const double value = PyFloat_AS_DOUBLE(object);
    if (std::isnan(value)) Fail("NaN is not JSON");
    if (std::isinf(value)) Fail(value > 0 ? "Infinity is not JSON" : "-Infinity is not JSON");
    const std::unique_ptr<char, decltype(&PyMem_Free)> text(
        PyOS_double_to_string(value, 'r', 0, Py_DTSF_ADD_DOT_0, nullptr), PyMem_Free);
    if (!text) throw py::error_already_set();
    Append(text.get());
  }

  void String(PyObject* object) {
    Py_ssize_t size = 0;
    const char* utf8 = PyUnicode_AsUTF8AndSize(object, &size);
    if (utf8 == nullptr) {
      PyErr_Clear();
      Fail("a lone surrogate" + SurrogatePlace(object) + " is not Unicode text");
    }
    if (static_cast<std::size_t>(size) > max_bytes_) {
      steps_.clear();
      Fail("more than " + std::to_string(max_bytes_) + " bytes of JSON");
    }
    out_ += '"';
    const std::string_view text(utf8, static_cast<std::size_t>(size));
    std::size_t plain = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c >= 0x20 && c != '"' && c != '\\') continue;
      out_ += text.substr(plain, i - plain);
      Escape(c);
      plain = i + 1;
    }
    out_ += text.substr(plain);
    out_ += '"';
    CheckSize();
  }

  static std::string SurrogatePlace(PyObject* text) {
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(text); ++i) {
      const Py_UCS4 c = PyUnicode_READ_CHAR(text, i);
      if (c >= 0xd800 && c <= 0xdfff) return " at index " + std::to_string(i);
    }
    return "";
  }

  void Escape(unsigned char c) {
    static constexpr char kHex[] = "0123456789abcdef";
    switch (c) {
      case '"':
        out_ += "\\\"";
        break;
      case '\\':
        out_ += "\\\\";
        break;
      case '\n':
        out_ += "\\n";
        break;
      case '\r':
        out_ += "\\r";
        break;
      case '\t':
        out_ += "\\t";
        break;
      default:
        out_ += "\\u00";
        out_ += kHex[c >> 4];
        out_ += kHex[c & 15];
    }
  }

  void Enter() {
    if (steps_.size() > max_depth_) {
      // The way there is long, and says nothing.
      steps_.clear();
      Fail("nested deeper than " + std::to_string(max_depth_) + " levels, or in itself");
    }
  }

  void Object(PyObject* dict) {
    steps_.push_back({nullptr, 0});
    Enter();
    out_ += '{';
    Py_ssize_t at = 0;
    PyObject* key = nullptr;
    PyObject* value = nullptr;
    bool first = true;
    // Nothing that is called here runs Python code, so the dict stays as it is.
    while (PyDict_Next(dict, &at, &key, &value) != 0) {
      if (!PyUnicode_Check(key)) {
        steps_.pop_back();
        Fail("key " + std::string(py::repr(key)).substr(0, kMaxShownKey) + " is " + TypeName(key) +
             ", not str");
      }
      steps_.back().key = key;
      if (!first) out_ += ',';
      first = false;
      String(key);
      out_ += ':';
      Value(value);
    }
    out_ += '}';
    steps_.pop_back();
    CheckSize();
  }

  void Array(PyObject* items) {
    steps_.push_back({nullptr, 0});
    Enter();
    out_ += '[';
    const Py_ssize_t size = PySequence_Fast_GET_SIZE(items);
    for (Py_ssize_t i = 0; i < size; ++i) {
      steps_.back().index = i;
      if (i > 0) out_ += ',';
      Value(PySequence_Fast_GET_ITEM(items, i));
    }
    out_ += ']';
    steps_.pop_back();
    CheckSize();
  }

  const std::string& name_;
  const std::size_t max_depth_;
  const std::size_t max_bytes_;
  std::vector<Step> steps_;
  std::string out_;
};

}  // namespace

std::string EncodeJson(py::handle object, const std::string& name, std::size_t max_depth,
                       std::size_t max_bytes) {
  return Encoder(name, max_depth, max_bytes).Encode(object.ptr());
}

}  // namespace vortex::python
