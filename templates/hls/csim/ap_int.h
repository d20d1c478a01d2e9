// SPDX-License-Identifier: Apache-2.0
// ap_int.h for C simulation only: ap_int and ap_uint that throw where a bit is lost.
//
// The vendor's types wrap in silence when a value does not fit its variable. Here every assignment is checked:
// a value that does not fit raises std::overflow_error, so a width that is too small cannot pass C simulation.
// Expressions grow exactly as the vendor's do (a sum by one bit, a product to the sum of the widths).
// A variable that was never assigned holds a pattern, not zero.
//
// Never put this file on the include path of the vendor's tool, which brings its own.
// Does only what this library needs: arithmetic up to 127 bits; beyond that range(), as for stream words.

#ifndef REPVGG_CSIM_AP_INT_H
#define REPVGG_CSIM_AP_INT_H

#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>

template <int W, bool S>
class ap_number;
template <int W>
using ap_int = ap_number<W, true>;
template <int W>
using ap_uint = ap_number<W, false>;

namespace csim {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

constexpr int larger(int a, int b) { return a > b ? a : b; }

constexpr std::uint64_t low_mask(int bits) {
  return bits >= 64 ? ~std::uint64_t(0) : (std::uint64_t(1) << bits) - 1;
}

[[noreturn]] inline void lost_bits(int w, bool s, std::uint64_t low) {
  throw std::overflow_error("a value (low 64 bits " + std::to_string(static_cast<std::int64_t>(low)) +
                            ") does not fit ap_" + (s ? "int<" : "uint<") + std::to_string(w) + ">");
}

[[noreturn]] inline void out_of_range(const char *what, int first, int second, int width) {
  throw std::out_of_range(std::string(what) + "(" + std::to_string(first) + ", " + std::to_string(second) + ") of " +
                          std::to_string(width) + " bits");
}

// Bits [hi:lo] of a number, up to 64 of them: readable as an unsigned value, assignable.
template <typename Number>
class Range {
 public:
  Range(Number &number, int hi, int lo) : number_(number), lo_(lo), bits_(hi - lo + 1) {
    if (lo < 0 || bits_ < 1 || bits_ > 64 || hi >= Number::width) out_of_range("range", hi, lo, Number::width);
  }
  std::uint64_t to_uint64() const { return number_.get_bits(lo_, bits_); }
  template <int W, bool S>
  operator ap_number<W, S>() const {
    return ap_number<W, S>(to_uint64());
  }
  // Takes the value's own bits, its sign included, where they fit the range.
  template <int W, bool S>
  Range &operator=(const ap_number<W, S> &value) {
    const std::uint64_t raw = value.get_bits(0, W < 64 ? W : 64);
    if (W > bits_ && (W > 64 || (raw & ~low_mask(bits_)) != 0)) lost_bits(bits_, false, raw);
    number_.set_bits(lo_, bits_, raw);
    return *this;
  }

 private:
  Number &number_;
  int lo_, bits_;
};

// Up to 127 bits: the value itself in a native integer V (U is its unsigned twin).
template <int W, bool S, typename V, typename U>
class Scalar {
 public:
  typedef V Value;
  static constexpr V highest() { return static_cast<V>((static_cast<U>(1) << (W - (S ? 1 : 0))) - 1); }
  static constexpr V lowest() { return S ? static_cast<V>(-highest() - 1) : static_cast<V>(0); }
  V value() const { return value_; }
  std::uint64_t get_bits(int lo, int bits) const {
    return static_cast<std::uint64_t>(static_cast<U>(value_) >> lo) & low_mask(bits);
  }
  void set_bits(int lo, int bits, std::uint64_t value) {
    const U field = static_cast<U>(low_mask(bits)) << lo;
    const U raw = (static_cast<U>(value_) & ~field) | ((static_cast<U>(value) << lo) & field);
    const int unused = 8 * static_cast<int>(sizeof(V)) - W;  // sign-extend, or clear, what lies above the number
    value_ = S ? static_cast<V>(static_cast<V>(raw << unused) >> unused) : static_cast<V>((raw << unused) >> unused);
  }

 protected:
  // X is a native integer of at most 128 bits.
  template <typename X>
  void assign(X x) {
    typedef typename std::conditional<sizeof(X) <= 4 || std::is_same<X, std::int64_t>::value, V, int128>::type Wide;
    typedef typename std::conditional<(sizeof(Wide) > sizeof(V)), Wide, V>::type Common;
    if (sizeof(X) > sizeof(V) || !std::is_same<Common, V>::value) {
      const int128 y = static_cast<int128>(x);
      if (y < static_cast<int128>(lowest()) || y > static_cast<int128>(highest()))
        lost_bits(W, S, static_cast<std::uint64_t>(y));
    } else {
      const V y = static_cast<V>(x);
      if (y < lowest() || y > highest()) lost_bits(W, S, static_cast<std::uint64_t>(y));
    }
    value_ = static_cast<V>(x);
  }
  V value_ = static_cast<V>(static_cast<U>(0x5a5a5a5a5a5a5a5a) & static_cast<U>(highest()));
};

// A stream word of any width: bits only, no arithmetic.
template <int W, bool S>
class Word {
  static_assert(!S, "signed numbers of 128 bits and more are not supported");

 public:
  std::uint64_t get_bits(int lo, int bits) const {
    const int limb = lo / 64, shift = lo % 64;
    std::uint64_t value = limb_[limb] >> shift;
    if (shift + bits > 64) value |= limb_[limb + 1] << (64 - shift);
    return value & low_mask(bits);
  }
  void set_bits(int lo, int bits, std::uint64_t value) {
    const int limb = lo / 64, shift = lo % 64;
    value &= low_mask(bits);
    limb_[limb] = (limb_[limb] & ~(low_mask(bits) << shift)) | (value << shift);
    if (shift + bits > 64) {
      const int taken = 64 - shift;
      limb_[limb + 1] = (limb_[limb + 1] & ~(low_mask(bits) >> taken)) | (value >> taken);
    }
  }
  Word operator~() const {
    Word flipped;
    for (int i = 0; i < LIMBS; ++i) flipped.limb_[i] = ~limb_[i];
    flipped.limb_[LIMBS - 1] &= low_mask(W - 64 * (LIMBS - 1));
    return flipped;
  }

 protected:
  static constexpr int LIMBS = (W + 63) / 64;
  Word() {
    for (int i = 0; i < LIMBS; ++i) limb_[i] = 0x5a5a5a5a5a5a5a5a;
  }
  template <typename X>
  void assign(X x) {
    if (x < 0) lost_bits(W, S, static_cast<std::uint64_t>(x));
    limb_[0] = static_cast<std::uint64_t>(x);
    for (int i = 1; i < LIMBS; ++i) limb_[i] = 0;
  }
  std::uint64_t limb_[LIMBS];
};

constexpr bool narrow(int w, bool s) { return w <= (s ? 64 : 63); }
constexpr bool medium(int w, bool s) { return w <= (s ? 128 : 127); }

template <int W, bool S>
using Storage = typename std::conditional<
    narrow(W, S), Scalar<W, S, std::int64_t, std::uint64_t>,
    typename std::conditional<medium(W, S), Scalar<W, S, int128, uint128>, Word<W, S>>::type>::type;

// How an operand looks to an operator: a number as it is, a native integer as the number of its own width.
template <typename T, typename = void>
struct Operand {};
template <int W, bool S>
struct Operand<ap_number<W, S>> {
  typedef ap_number<W, S> type;
};
template <typename T>
struct Operand<T, typename std::enable_if<std::is_integral<T>::value>::type> {
  typedef ap_number<8 * static_cast<int>(sizeof(T)), std::is_signed<T>::value> type;
};
template <typename T>
struct IsNumber : std::false_type {};
template <int W, bool S>
struct IsNumber<ap_number<W, S>> : std::true_type {};

// Enabled for two operands of which at least one is a number.
template <typename A, typename B>
struct Pair {
  static_assert(IsNumber<A>::value || IsNumber<B>::value, "");
  typedef typename Operand<A>::type Left;
  typedef typename Operand<B>::type Right;
  static constexpr bool sign = Left::is_signed || Right::is_signed;
  // Widths as signed numbers where either operand is signed.
  static constexpr int left = Left::width + (sign && !Left::is_signed ? 1 : 0);
  static constexpr int right = Right::width + (sign && !Right::is_signed ? 1 : 0);
  static constexpr int widest = larger(left, right);
  static constexpr int product_width = Left::width + Right::width;
  typedef ap_number<widest + 1, sign> Sum;
  typedef ap_number<widest + 1, true> Difference;
  typedef ap_number<product_width, sign> Product;
  typedef ap_number<widest, sign> Both;
};
template <typename A, typename B>
using IfNumbers = typename std::enable_if<IsNumber<A>::value || IsNumber<B>::value, Pair<A, B>>::type;

}  // namespace csim

template <int W, bool S>
class ap_number : public csim::Storage<W, S> {
  static_assert(W > 0, "a number has at least one bit");
  typedef csim::Storage<W, S> Base;

 public:
  static constexpr int width = W;
  static constexpr bool is_signed = S;
  ap_number() = default;
  ap_number(const Base &same) : Base(same) {}
  template <int W2, bool S2>
  ap_number(const ap_number<W2, S2> &other) {
    if (S == S2 ? W >= W2 : S && W > W2) {
      this->value_ = static_cast<typename Base::Value>(other.value());  // holds every value of the other type
    } else {
      this->assign(other.value());
    }
  }
  template <typename T, typename = typename std::enable_if<std::is_integral<T>::value>::type>
  ap_number(T x) {
    this->assign(x);
  }

  // For a result whose type was chosen to hold it.
  template <typename V>
  static ap_number exact(V value) {
    ap_number number;
    number.value_ = value;
    return number;
  }

  csim::Range<ap_number> range(int hi, int lo) { return csim::Range<ap_number>(*this, hi, lo); }
  csim::Range<const ap_number> range(int hi, int lo) const { return csim::Range<const ap_number>(*this, hi, lo); }
  int to_int() const { return static_cast<int>(ap_number<32, true>(*this).value()); }
  std::int64_t to_int64() const { return ap_number<64, true>(*this).value(); }

  template <typename T>
  ap_number &operator+=(const T &other) {
    return *this = ap_number(*this + other);
  }
  ap_number operator~() const {
    static_assert(!S, "only unsigned numbers are complemented here");
    return ap_number(complement(static_cast<const Base &>(*this)));
  }
  ap_number operator>>(int shift) const {  // floors; the vendor keeps the operand's width, as here
    if (shift < 0 || shift >= W) csim::out_of_range("shift", shift, 0, W);
    return exact(static_cast<typename Base::Value>(this->value() >> shift));
  }
  ap_number operator<<(int shift) const {  // the vendor drops the high bits; here they may not matter
    if (shift < 0 || shift >= W) csim::out_of_range("shift", shift, 0, W);
    ap_number shifted;
    shifted.assign(static_cast<csim::int128>(this->value()) * (static_cast<csim::int128>(1) << shift));
    return shifted;
  }

 private:
  template <int W2, bool S2>
  static csim::Word<W2, S2> complement(const csim::Word<W2, S2> &word) {
    return ~word;
  }
  template <typename V, typename U>
  static ap_number complement(const csim::Scalar<W, S, V, U> &scalar) {
    return ap_number(static_cast<V>(Base::highest() - scalar.value()));
  }
};

// The arithmetic is done in the result's own native integer, which its width always fits.
#define REPVGG_CSIM_ARITHMETIC(op, Result)                                              \
  template <typename A, typename B>                                                     \
  typename csim::IfNumbers<A, B>::Result operator op(const A &a, const B &b) {          \
    typedef typename csim::Pair<A, B>::Result R;                                        \
    typedef typename R::Value V;                                                        \
    const typename csim::Pair<A, B>::Left x(a);                                         \
    const typename csim::Pair<A, B>::Right y(b);                                        \
    return R::exact(static_cast<V>(static_cast<V>(x.value()) op static_cast<V>(y.value()))); \
  }
REPVGG_CSIM_ARITHMETIC(+, Sum)
REPVGG_CSIM_ARITHMETIC(-, Difference)
REPVGG_CSIM_ARITHMETIC(*, Product)
#undef REPVGG_CSIM_ARITHMETIC

#define REPVGG_CSIM_COMPARISON(op)                                                                \
  template <typename A, typename B, typename = csim::IfNumbers<A, B>>                             \
  bool operator op(const A &a, const B &b) {                                                      \
    typedef typename csim::Pair<A, B>::Both::Value V;                                             \
    const typename csim::Pair<A, B>::Left x(a);                                                   \
    const typename csim::Pair<A, B>::Right y(b);                                                  \
    return static_cast<V>(x.value()) op static_cast<V>(y.value());                                \
  }
REPVGG_CSIM_COMPARISON(==)
REPVGG_CSIM_COMPARISON(!=)
REPVGG_CSIM_COMPARISON(<)
REPVGG_CSIM_COMPARISON(>)
REPVGG_CSIM_COMPARISON(<=)
REPVGG_CSIM_COMPARISON(>=)
#undef REPVGG_CSIM_COMPARISON

#endif
