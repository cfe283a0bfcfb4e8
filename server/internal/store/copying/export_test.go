package copying

// SetBatchLen sets how many requests are stored at once.
func SetBatchLen(n int) { batchLen = n }
