"""What a picture file says beside its pixels: EXIF, IPTC and XMP, and the directories of TIFF that hold them."""
