// The arguments of a service function as bytes, by their types: what goes in travels with the question, what comes out
// with the answer.
//
//   T                                 a number, in
//   const T *                         a struct, in; null only where the ABI allows it
//   const T *, uint64_t               an array, in; of void: bytes
//   const float *, const int32_t *, uint64_t    scales and zero points, in
//   T *                               a number or a struct, out; of the info structs, one for each element of the array
//   in const T **                        a struct that the host owns, out
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "core/host/isolation/wire_structs.h"
#include "core/host/service/table.h"

namespace halftone::host {

template <typename T>
inline constexpr bool kNumber = std::is_arithmetic_v<T>;
template <typename T>
inline constexpr bool kIn = std::is_pointer_v<T> &&std::is_const_v<std::remove_pointer_t<T>>;
template <typename T>
inline constexpr bool kOut = std::is_pointer_v<T> && !kIn<T>;
template <typename T>
using Pointee = std::remove_const_t<std::remove_pointer_t<T>>;

template <typename T>
inline constexpr bool kNullable = std::is_same_v<T, ht_str> || std::is_same_v<T, ht_tensor_info> ||
                                  std::is_same_v<T, ht_collect_options> || std::is_same_v<T, ht_parallel_options>;
template <typename T>
inline constexpr bool kOfEach =
    std::is_same_v<T, ht_node_info> || std::is_same_v<T, ht_value_info> || std::is_same_v<T, ht_config_info>;

// A pointer and the count behind it are an array, except a text before another number.
template <typename A, typename B>
inline constexpr bool kArray = kIn<A> &&std::is_same_v<B, std::uint64_t> && !std::is_same_v<Pointee<A>, ht_str>;
template <typename A, typename B>
inline constexpr bool kScales = std::is_same_v<A, const float *> &&std::is_same_v<B, const std::int32_t *>;

// A caller of another minor may have a shorter struct: what it left out is zero.
template <typename T>
T normal(const T &given) {
  T out{};
  if constexpr (Sized<T>) {
    std::memcpy(static_cast<void *>(&out), &given, std::min<std::size_t>(given.struct_size, sizeof(T)));
    out.struct_size = sizeof(T);
  } else {
    out = given;
  }
  return out;
}

// ---- the caller's side

inline void send_ins(WireWriter &) {}

template <typename A, typename... Rest>
void send_ins(WireWriter &writer, A first, Rest... rest);

template <typename A, typename... Rest>
void send_array(WireWriter &writer, A data, std::uint64_t count, Rest... rest) {
  if constexpr (std::is_same_v<A, const void *>) {
    const void *bytes = data;
    writer.blob(bytes, count);
  } else {
    if (data == nullptr) count = 0;
    writer.count(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      if constexpr (Sized<Pointee<A>>) {
        auto item = normal(*element(data, i));
        walk(writer, item);
      } else {
        auto item = data[i];
        walk(writer, item);
      }
    }
  }
  send_ins(writer, rest...);
}

template <typename... Rest>
void send_scales(WireWriter &writer, const float *scales, const std::int32_t *zero_points, std::uint64_t count,
                 Rest... rest) {
  std::uint64_t size = count;
  walk_array(writer, scales, size);
  walk_array(writer, zero_points, size);
  send_ins(writer, rest...);
}

template <typename A>
void send_one(WireWriter &writer, A value) {
  if constexpr (kNumber<A>) {
    walk(writer, value);
  } else if constexpr (kIn<A>) {
    bool there = value != nullptr;
    walk(writer, there);
    if (!there) return;
    auto copy = normal(*value);
    walk(writer, copy);
  }
}

template <typename A, typename... Rest>
void send_ins(WireWriter &writer, A first, Rest... rest) {
  if constexpr (sizeof...(Rest) > 0) {
    using B = std::tuple_element_t<0, std::tuple<Rest...>>;
    if constexpr (kScales<A, B>)
      return send_scales(writer, first, rest...);
    else if constexpr (kArray<A, B>)
      return send_array(writer, first, rest...);
    else {
      send_one(writer, first);
      send_ins(writer, rest...);
    }
  } else {
    send_one(writer, first);
  }
}

// What an answer brings, into where the caller wants it. `count` is of the array in.
template <typename A>
void read_out(WireReader &reader, A out, std::uint64_t count, bool each) {
  using T = Pointee<A>;
  if constexpr (kOut<A>) {
    if constexpr (kIn<T>) {
      *out = zeroed<Pointee<T>>(reader.arena);
      walk(reader, const_cast<Pointee<T> &>(**out));
    } else {
      for (std::uint64_t i = 0; i < (each ? count : 1); ++i) {
        T *value = zeroed<T>(reader.arena);
        walk(reader, *value);
        if constexpr (Sized<T>)
          put(element(out, i), *value);
        else
          out[i] = *value;
      }
    }
  }
}

inline std::uint64_t array_count() {
  return 1;
}
template <typename A, typename... Rest>
std::uint64_t array_count(A, Rest... rest) {
  if constexpr (sizeof...(Rest) > 0) {
    using B = std::tuple_element_t<0, std::tuple<Rest...>>;
    if constexpr (kArray<A, B>) return std::get<0>(std::tuple<Rest...>(rest...));
  }
  return array_count(rest...);
}

// Whether outs of this type come one for each element: the info structs, and what render_all() fills in.
template <typename A>
inline constexpr bool kEach = kOfEach<Pointee<A>>;

template <bool EachNumber, typename... Arguments>
void read_outs(WireReader &reader, Arguments... arguments) {
  const std::uint64_t count = array_count(arguments...);
  (read_out(reader, arguments, count, kEach<Arguments> || (EachNumber && std::is_same_v<Arguments, std::uint32_t *>)),
   ...);
}

// ---- the side that serves

template <typename A>
A read_one(WireReader &reader, std::uint64_t count, bool each) {
  if constexpr (kNumber<A>) {
    A value{};
    walk(reader, value);
    return value;
  } else if constexpr (kIn<A>) {
    using T = Pointee<A>;
    bool there = false;
    walk(reader, there);
    if (!there && !kNullable<T>) fail(Status::kInvalidArgument, "an argument that must not be null is");
    if (!there) return nullptr;
    T *value = zeroed<T>(reader.arena);
    walk(reader, *value);
    return value;
  } else {
    return zeroed<Pointee<A>>(reader.arena, each ? count : 1);
  }
}

template <typename... Todo>
struct ReadIns;
template <>
struct ReadIns<> {
  template <bool EachNumber, typename Call, typename... Done>
  static ht_status then(WireReader &, std::uint64_t, Call &&call, Done... done) {
    return call(done...);
  }
};
template <typename A, typename... Rest>
struct ReadIns<A, Rest...> {
  template <bool EachNumber, typename Call, typename... Done>
  static ht_status then(WireReader &reader, std::uint64_t count, Call &&call, Done... done) {
    if constexpr (sizeof...(Rest) > 0) {
      using B = std::tuple_element_t<0, std::tuple<Rest...>>;
      if constexpr (kScales<A, B>)
        return scales<EachNumber>(reader, call, done...);
      else if constexpr (kArray<A, B>)
        return array<EachNumber>(reader, call, done...);
      else
        return one<EachNumber>(reader, count, call, done...);
    } else {
      return one<EachNumber>(reader, count, call, done...);
    }
  }

 private:
  template <bool EachNumber, typename Call, typename... Done>
  static ht_status one(WireReader &reader, std::uint64_t count, Call &&call, Done... done) {
    constexpr bool kEachOne = kEach<A> || (EachNumber && std::is_same_v<A, std::uint32_t *>);
    A value = read_one<A>(reader, count, kEachOne);
    return ReadIns<Rest...>::template then<EachNumber>(reader, count, call, done..., value);
  }
  template <typename... Others>
  struct Tail;
  template <typename Count, typename... Others>
  struct Tail<Count, Others...> {
    using Next = ReadIns<Others...>;
  };
  template <typename Zero, typename Count, typename... Others>
  struct TailOfTwo {
    using Next = ReadIns<Others...>;
  };
  template <bool EachNumber, typename Call, typename... Done>
  static ht_status array(WireReader &reader, Call &&call, Done... done) {
    A data = nullptr;
    std::uint64_t count = 0;
    if constexpr (std::is_same_v<A, const void *>) {
      reader.blob(data, count);
    } else {
      walk_array(reader, data, count);
    }
    return Tail<Rest...>::Next::template then<EachNumber>(reader, count, call, done..., data, count);
  }
  template <bool EachNumber, typename Call, typename... Done>
  static ht_status scales(WireReader &reader, Call &&call, Done... done) {
    const float *factors = nullptr;
    const std::int32_t *zero_points = nullptr;
    std::uint64_t count = 0, other = 0;
    walk_array(reader, factors, count);
    walk_array(reader, zero_points, other);
    if (count != other) reader.broken();
    return TailOfTwo<Rest...>::Next::template then<EachNumber>(reader, count, call, done..., factors, zero_points,
                                                               count);
  }
};

template <typename A>
void send_out(WireWriter &writer, A out, std::uint64_t count, bool each) {
  if constexpr (kOut<A>) {
    if constexpr (kIn<Pointee<A>>) {
      walk(writer, const_cast<Pointee<Pointee<A>> &>(**out));
    } else {
      for (std::uint64_t i = 0; i < (each ? count : 1); ++i) walk(writer, out[i]);
    }
  }
}

template <bool EachNumber, typename... Arguments>
void send_outs(WireWriter &writer, Arguments... arguments) {
  const std::uint64_t count = array_count(arguments...);
  (send_out(writer, arguments, count, kEach<Arguments> || (EachNumber && std::is_same_v<Arguments, std::uint32_t *>)),
   ...);
}

}  // namespace halftone::host
