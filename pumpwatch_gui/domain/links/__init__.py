"""Links: configuration, register maps, decoding, what others see of them."""
