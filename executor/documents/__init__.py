"""Read what is no plain text: images, PDF documents, notebooks."""
