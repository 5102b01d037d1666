//! Plan nodes that DataFusion lacks.
