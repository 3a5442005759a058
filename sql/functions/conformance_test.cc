// What PostgreSQL 15 answers, frozen: each line of testdata/*.tsv is one input, cast, function or
// operator with the text or the error that the real server gave. A line that differs here is a
// difference that a client can see.
//
//   i  type            result  text            text input, then text output
//   c  type            result  from-type  text a cast that the user wrote
//   f  name            result  type  text ...  a function call
//   o  name            result  type  text ...  an operator: two operands, or one for a prefix
//   operator
//
// A text of \N is null. An error is written as !SQLSTATE message.
#include <gtest/gtest.h>

#include <fstream>

#include "sql/functions/registry.h"
#include "sql/types/date_time.h"
#include "sql/types/text_io.h"
#include "sql/types/time_zone.h"

namespace quorate::sql {
namespace {

std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> out(1);
  for (char c : line) {
    if (c == '\t') {
      out.emplace_back();
    } else {
      out.back().push_back(c);
    }
  }
  return out;
}

class Evaluator {
 public:
  Evaluator() : berlin_(find_time_zone("Europe/Berlin")) {
    context_.io.time_zone = berlin_.get();
    context_.io.transaction_micros = days_from_civil(2024, 2, 29) * kMicrosPerDay;
  }

  std::string run(const std::vector<std::string>& c) {
    Result<std::string> r = dispatch(c);
    return r.ok() ? *r
                  : "!" + std::string(r.status().sqlstate().view()) + " " + r.status().message();
  }

 private:
  struct Value {
    Type type;
    Datum datum;
  };

  Result<Value> literal(const std::string& type, const std::string& text) {
    ASSIGN_OR_RETURN(Type t,
                     type == "unknown" ? Result<Type>(Type{oid::kUnknown}) : parse_type_name(type));
    if (text == "\\N") return Value{t, Datum::null()};
    ASSIGN_OR_RETURN(Datum d,
                     cast_value(context_.io, Type{oid::kUnknown}, t, true, Datum::of_bytes(text)));
    return Value{t, d};
  }

  std::string show(Type type, const Datum& d) {
    return d.is_null() ? "\\N" : to_text(type, d, context_.io);
  }

  Result<std::string> dispatch(const std::vector<std::string>& c) {
    if (c[0] == "i") {
      ASSIGN_OR_RETURN(Value v, literal(c[1], c[3]));
      return show(v.type, v.datum);
    }
    if (c[0] == "c") {
      ASSIGN_OR_RETURN(Type t, parse_type_name(c[1]));
      ASSIGN_OR_RETURN(Value v, literal(c[3], c[4]));
      if (!can_cast(v.type.oid, t.oid, CastContext::kExplicit))
        return invalid_argument("cannot cast", sqlstate::kCannotCoerce);
      ASSIGN_OR_RETURN(Datum d, cast_value(context_.io, v.type, t, true, v.datum));
      return show(t, d);
    }
    std::vector<Value> values;
    std::vector<Oid> types;
    for (size_t i = 3; i + 1 < c.size(); i += 2) {
      ASSIGN_OR_RETURN(Value v, literal(c[i], c[i + 1]));
      types.push_back(v.type.oid);
      values.push_back(v);
    }
    if (c[0] == "o") {
      bool prefix = types.size() == 1;
      ASSIGN_OR_RETURN(ResolvedOperator r,
                       resolve_operator(c[1], prefix ? oid::kInvalid : types[0], types.back()));
      std::vector<Oid> wanted =
          prefix ? std::vector<Oid>{r.right} : std::vector<Oid>{r.left, r.right};
      return call(*r.function, values, wanted, r.result);
    }
    ASSIGN_OR_RETURN(ResolvedFunction r, resolve_function(c[1], types));
    return call(*r.function, values, r.args, r.result);
  }

  Result<std::string> call(const FunctionInfo& f, const std::vector<Value>& values,
                           const std::vector<Oid>& wanted, Oid result) {
    std::vector<Datum> args;
    std::vector<Type> types;
    for (size_t i = 0; i < values.size(); ++i) {
      ASSIGN_OR_RETURN(Datum d, cast_value(context_.io, values[i].type, Type{wanted[i]}, false,
                                           values[i].datum));
      if (d.is_null() && f.strict) return std::string("\\N");
      args.push_back(d);
      types.push_back(Type{wanted[i]});
    }
    context_.arg_types = types;
    context_.result_type = Type{result};
    ASSIGN_OR_RETURN(Datum d, f.fn(context_, args));
    return show(Type{result}, d);
  }

  std::shared_ptr<const TimeZone> berlin_;
  EvalContext context_;
};

void run_file(const std::string& name) {
  std::ifstream in(std::string(QUORATE_SOURCE_DIR) + "/sql/functions/testdata/" + name);
  ASSERT_TRUE(in.good()) << name;
  Evaluator evaluator;
  std::string line;
  int count = 0;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> c = cells(line);
    ASSERT_GE(c.size(), 3u) << name << ":" << number;
    EXPECT_EQ(evaluator.run(c), c[2]) << name << ":" << number << ": " << line;
    ++count;
  }
  EXPECT_GT(count, 20);
}

TEST(Conformance, inputs_and_outputs_are_postgresqls) { run_file("inputs.tsv"); }
TEST(Conformance, casts_are_postgresqls) { run_file("casts.tsv"); }
TEST(Conformance, functions_are_postgresqls) { run_file("functions.tsv"); }
TEST(Conformance, operators_are_postgresqls) { run_file("operators.tsv"); }

TEST(Registry, every_operator_has_its_function_and_every_row_its_types) {
  EXPECT_GT(all_operators().size(), 300u);
  for (const OperatorInfo& o : all_operators()) {
    const FunctionInfo* f = find_function(o.function);
    ASSERT_NE(f, nullptr) << o.name;
    EXPECT_NE(f->fn, nullptr) << o.name;
  }
  for (const FunctionInfo* f : all_functions()) {
    EXPECT_NE(f->fn == nullptr, f->set_fn == nullptr) << f->name;
    for (Oid t : f->args) EXPECT_NE(find_type(t), nullptr) << f->name;
    EXPECT_NE(find_type(f->result), nullptr) << f->name;
  }
}

}  // namespace
}  // namespace quorate::sql
