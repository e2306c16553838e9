"""The corpus that measures the judge: broken programs must fail, healthy ones pass."""
