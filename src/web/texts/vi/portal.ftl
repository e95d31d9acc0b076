### Các trang dành cho trẻ em.

exit = Thoát nhanh
exit-note = Nút Thoát nhanh, hoặc nhấn phím Shift ba lần, đưa bạn sang một trang khác. Nút này không xóa lịch sử duyệt web.
foot-help = Cần ai đó giúp?
foot-call = Gọi 111, miễn phí, cả ngày lẫn đêm
foot-who = Ai thấy được gì?
foot-more-help = Thêm nơi giúp đỡ
to-portal = Về trang nhà

## Khi có trục trặc

error-404 = Không có trang này
error-404-more = Có thể đường dẫn gõ thiếu một chữ.
error-405 = Không làm được như vậy ở đây
error-405-more = Hãy quay lại và thử từ đầu.
error-429 = Chờ một chút nhé
error-429-more = Vừa có nhiều lần bấm liên tiếp. Vài phút nữa hãy thử lại.
error-500 = Có trục trặc
error-500-more = Đây là lỗi của chương trình, không phải của bạn. Lát nữa hãy thử lại.
