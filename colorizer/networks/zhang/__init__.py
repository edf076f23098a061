"""Zhang, Isola and Efros' contract of 2016: lightness in, a distribution over 313 colours inside, ab out."""
