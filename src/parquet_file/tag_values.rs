//! The distinct values of a tag in a file, from the dictionaries of its column.

use super::read::{FileError, ParquetFile};
use crate::model::limits::ROW_GROUP_ROWS;
use ahash::AHashSet;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use futures::TryStreamExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::errors::ParquetError;
use std::sync::Arc;

impl ParquetFile {
    /// The distinct values of a tag (its stored name), sorted; none when the file lacks the column. From the manifest where it
    /// has them, else from the column, once while the cache keeps them.
    ///
    /// # Errors
    /// When the column cannot be read.
    pub async fn tag_values(&self, stored_name: &Arc<str>) -> Result<Arc<[Arc<str>]>, FileError> {
        if !self.meta.columns.contains(stored_name) {
            return Ok(Arc::default());
        }
        if let Some(values) = self.meta.tag_values.get(stored_name) {
            // The empty text stands for rows without the tag.
            return Ok(values.iter().filter(|value| !value.is_empty()).cloned().collect());
        }
        self.cache.values(&self.meta.path, stored_name, self.read_values(stored_name)).await
    }

    async fn read_values(&self, stored_name: &Arc<str>) -> Result<Arc<[Arc<str>]>, FileError> {
        let path = self.meta.path.clone();
        let wrong = move |source: ParquetError| FileError::Parquet { path: path.clone(), source };
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let fields = self.footer.schema().fields().iter().map(|field| {
            if field.name() == stored_name.as_ref() {
                Arc::new(Field::new(field.name(), dictionary.clone(), field.is_nullable()))
            } else {
                Arc::clone(field)
            }
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let options = ArrowReaderOptions::new().with_schema(schema);
        let footer =
            ArrowReaderMetadata::try_new(self.footer.metadata().clone(), options).map_err(wrong.clone())?;
        let roots = footer.parquet_schema().root_schema().get_fields().iter().enumerate();
        let wanted = roots.filter(|(_, field)| field.name() == stored_name.as_ref()).map(|(i, _)| i);
        let mask = ProjectionMask::roots(footer.parquet_schema(), wanted);
        let mut batches = ParquetRecordBatchStreamBuilder::new_with_metadata(self.reader.clone(), footer)
            .with_projection(mask)
            .with_batch_size(ROW_GROUP_ROWS)
            .build()
            .map_err(wrong.clone())?;
        let mut distinct: AHashSet<Arc<str>> = AHashSet::new();
        while let Some(batch) = batches.try_next().await.map_err(wrong.clone())? {
            add_dictionary(&mut distinct, batch.column(0)).map_err(wrong.clone())?;
        }
        let mut values: Vec<Arc<str>> = distinct.into_iter().collect();
        values.sort_unstable();
        Ok(values.into())
    }
}

/// Adds the values of a dictionary that a row of `column` has.
fn add_dictionary(distinct: &mut AHashSet<Arc<str>>, column: &ArrayRef) -> Result<(), ParquetError> {
    let unlike = || ParquetError::ArrowError(format!("{} is no dictionary of strings", column.data_type()));
    let column = column.as_dictionary_opt::<Int32Type>().ok_or_else(unlike)?;
    let values = column.values().as_string_opt::<i32>().ok_or_else(unlike)?;
    let mut is_used = vec![false; values.len()];
    for key in column.keys_iter().flatten() {
        is_used[key] = true;
    }
    for (i, _) in is_used.iter().enumerate().filter(|(_, is_used)| **is_used) {
        let value = values.value(i);
        if !distinct.contains(value) {
            distinct.insert(value.into());
        }
    }
    Ok(())
}
