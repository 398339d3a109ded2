"""The window as a screen reader meets it: from another process, over AT-SPI."""
