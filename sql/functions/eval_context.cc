#include "sql/functions/eval_context.h"

#include "sql/functions/regex_cache.h"

namespace quorate::sql {

EvalContext::EvalContext() = default;
EvalContext::~EvalContext() = default;

RegexCache& EvalContext::regexes() {
  if (regexes_ == nullptr) regexes_ = std::make_unique<RegexCache>();
  return *regexes_;
}

}  // namespace quorate::sql
