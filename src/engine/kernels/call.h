// One call of an operation: its inputs, outputs and attributes.
#pragma once
#include <vector>

#include "product.h"
#include "tensorflow.h"

class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()), inputs_(TF_NumInputs(context)) {}
  ~Call() {
    for (TF_Tensor* tensor : inputs_)
      if (tensor) TF_DeleteTensor(tensor);
    for (TF_Tensor* tensor : outputs_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }
  TF_Tensor* input(int i) {
    if (!inputs_[i]) TF_GetInput(context_, i, &inputs_[i], status_);
    return inputs_[i];
  }
  float* floats(int i) { return (float*)TF_TensorData(input(i)); }
  const int32_t* ints(int i) { return (const int32_t*)TF_TensorData(input(i)); }
  int dims(int i) { return TF_NumDims(input(i)); }
  // The size of an axis, those below 0 counted from the last.
  Index dim(int i, int axis) { return TF_Dim(input(i), axis < 0 ? TF_NumDims(input(i)) + axis : axis); }
  float* output(int i, std::vector<int64_t> shape) {
    size_t bytes = 4;
    for (int64_t size : shape) bytes *= size;
    TF_Tensor* tensor = TF_AllocateOutput(context_, i, 1, shape.data(), (int)shape.size(), bytes, status_);
    outputs_.push_back(tensor);
    return (float*)TF_TensorData(tensor);
  }

 private:
  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> inputs_, outputs_;
};

constexpr int PROJECTIONS = 4;  // Queries with keys and values, output, gate with up, down.

// Whichever of them an operation has.
struct Attributes {
  int64_t turned = 0, out = 0;            // Of a product: the right factor's transpose; a weight's columns.
  int64_t heads = 0, keyHeads = 0;        // Of attention.
  int64_t layer = 0, keep = 0;            // Which of the stacked layers; whether what the way back needs is given.
  int64_t targets[PROJECTIONS] = {0, 0, 0, 0};
  float epsilon = 0;
};
