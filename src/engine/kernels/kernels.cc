// TensorFlow operations for a transformer with K stacked LoRA adapters, for the CPU: each does in few passes over memory what
// portable operations do in many. Registered when Node loads this library; src/engine/fused.ts calls them.
// Tokens lie in one flat list, adapter by adapter and row by row. All numbers are fp32, frozen weights on request in bfloat16.
#include "layer.h"
#include "memory.h"
#include "optimizer.h"

namespace {
// a [m, in] and a weight of `out` columns -> [m, out]; or a [m, out] and, turned, its transpose -> [m, in].
void matrixProduct(Call& call, const Attributes& attributes) {
  const Index m = call.dim(0, 0);
  const Weight weight(call, 1, attributes.out);
  const Index inner = attributes.turned ? weight.out : weight.in, columns = attributes.turned ? weight.in : weight.out;
  sharedProduct(call.floats(0), attributes.turned ? weight.back() : weight.forward(), m, inner, columns, call.output(0, {m, columns}));
}

// A weight in panels -> the same in bfloat16.
void round(Call& call, const Attributes&) {
  const Index panels = call.dim(0, 0), in = call.dim(0, 1);
  roundWeight(call.floats(0), in, panels * COLUMNS, (uint32_t*)call.output(0, {2, panels, in / 2, COLUMNS}));
}

// ids [n], a weight [hidden, vocabulary] in panels of fp32 or bfloat16 -> its columns [n, hidden]
void embed(Call& call, const Attributes&) {
  const Index n = call.dim(0, 0);
  const Weight weight(call, 1, 0);
  const Index h = weight.in;
  const int32_t* ids = call.ints(0);
  float* out = call.output(0, {n, h});
  forTokens(n, [=](Index t) {
    const Index panel = ids[t] / COLUMNS * h * COLUMNS, column = ids[t] % COLUMNS;
    if (weight.dims == 3)
      for (Index i = 0; i < h; i++) out[t * h + i] = weight.data[panel + i * COLUMNS + column];
    else
      for (Index i = 0; i < h; i++) {
        const uint32_t word = ((const uint32_t*)weight.data)[panel / 2 + i / 2 * COLUMNS + column];
        const uint32_t bits = i % 2 ? word & 0xffff0000u : word << 16;
        std::memcpy(out + t * h + i, &bits, 4);
      }
  });
}

template <void (*Body)(Call&, const Attributes&)>
void compute(void* kernel, TF_OpKernelContext* context) {
  Call call(context);
  Body(call, *(const Attributes*)kernel);
}

// Reads whichever of the attributes the operation has.
void* create(TF_OpKernelConstruction* construction) {
  auto* found = new Attributes();
  TF_Status* status = TF_NewStatus();
  const auto read = [&](const char* name, int64_t* to) { TF_OpKernelConstruction_GetAttrInt64(construction, name, to, status); };
  read("turned", &found->turned), read("heads", &found->heads), read("keyHeads", &found->keyHeads);
  read("layer", &found->layer), read("keep", &found->keep), read("out", &found->out);
  const char* targets[PROJECTIONS] = {"N0", "N1", "N2", "N3"};
  for (int p = 0; p < PROJECTIONS; p++) read(targets[p], &found->targets[p]);
  TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", &found->epsilon, status);
  TF_DeleteStatus(status);
  return found;
}
void destroy(void* kernel) { delete (Attributes*)kernel; }

typedef std::vector<std::string> Names;

template <void (*Body)(Call&, const Attributes&)>
void add(const char* name, const Names& inputs, const Names& outputs, const Names& attributes = {}) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(name);
  for (const auto& input : inputs) TF_OpDefinitionBuilderAddInput(builder, input.c_str());
  for (const auto& output : outputs) TF_OpDefinitionBuilderAddOutput(builder, output.c_str());
  for (const auto& attribute : attributes) TF_OpDefinitionBuilderAddAttr(builder, attribute.c_str());
  TF_OpDefinitionBuilderSetIsStateful(builder, true);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, TF_ShapeInferenceContextSetUnknownShape);
  TF_RegisterOpDefinition(builder, status);
  if (TF_GetCode(status) == 0)
    TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", create, compute<Body>, destroy), status);
  TF_DeleteStatus(status);
}

Names floats(std::initializer_list<const char*> names) {
  Names found;
  for (const char* name : names) found.push_back(std::string(name) + ": float");
  return found;
}
Names operator+(Names a, const Names& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A and the B's of every projection.
Names matrices(const std::string& prefix, bool columns) {
  Names found;
  for (int p = 0; p < PROJECTIONS; p++) {
    const std::string place = std::to_string(p);
    if (columns) found.push_back("columns" + place + ": int32");
    found.push_back(prefix + "a" + place + ": float");
    found.push_back(prefix + "b" + place + ": N" + place + " * float");
  }
  return found;
}

void registerAll() {
  const Names layer = floats({"input_norm", "query_key_value", "bias", "output", "output_norm", "gate_up", "down", "cos", "sin"}) +
                      Names{"rows: int32"} + floats({"keys", "values", "scaling"}) + Names{"ranges: int32"} + matrices("", true);
  const Names kept = floats({"inverse", "qkv", "attended", "middle", "output_inverse", "gated", "hidden"});
  const Names attributes{"heads: int",   "keyHeads: int", "layer: int",   "keep: int",   "epsilon: float",
                         "N0: int >= 0", "N1: int >= 0",  "N2: int >= 0", "N3: int >= 0"};
  add<layerForward>("SealLayer", floats({"x"}) + layer, floats({"y"}) + kept, attributes);
  add<layerGradient>("SealLayerGradient", floats({"g", "x"}) + kept + layer + matrices("d", false), floats({"dx"}), attributes);
  add<matrixProduct>("SealMatMul", floats({"a", "b"}), floats({"y"}), {"turned: int", "out: int"});
  add<round>("SealRound", floats({"panels"}), floats({"words"}));
  add<embed>("SealEmbed", {"ids: int32", "weight: float"}, floats({"y"}));
  add<crossEntropy>("SealCrossEntropy", {"logits: float", "labels: int32", "weights: float"}, floats({"losses"}));
  add<squares>("SealSquares", floats({"x"}), floats({"sums"}));
  add<adam>("SealAdam", floats({"parameter", "m", "v", "g", "factors"}), floats({"done"}));
}
}  // namespace

// Node calls this when the library is loaded. It exports "bfloat16", whether this processor has products in it, "columns", how
// many columns a panel of a weight has, and "giveBackMemory", a function.
extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void* env, void* exports) {
  static const bool once = (keepMemory(), registerAll(), true);
  (void)once;
  void* half = nullptr;
  napi_get_boolean(env, HALF, &half);
  napi_set_named_property(env, exports, "bfloat16", half);
  void* columns = nullptr;
  napi_create_int32(env, COLUMNS, &columns);
  napi_set_named_property(env, exports, "columns", columns);
  void* function = nullptr;
  napi_create_function(env, "giveBackMemory", (size_t)-1, giveBackMemory, nullptr, &function);
  napi_set_named_property(env, exports, "giveBackMemory", function);
  return exports;
}
